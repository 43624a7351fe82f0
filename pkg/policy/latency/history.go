package latency

import (
	"math"
	"time"
)

// How far back arrivals are kept, and in which steps.
const (
	fineStep    = 15      // seconds; the last hour
	middleStep  = 5 * 60  // the last 26 hours: the same time yesterday, for an hour
	coarseStep  = 30 * 60 // a little more than 7 days
	fineSteps   = 240
	middleSteps = 312
	coarseSteps = 340
)

// history is what arrived on all partitions together, in records a second. It takes less than 2 KiB.
type history struct {
	fine, middle, coarse ring
}

func newHistory() history {
	return history{newRing(fineStep, fineSteps), newRing(middleStep, middleSteps), newRing(coarseStep, coarseSteps)}
}

// add says that so many records came from one moment to another, in Unix seconds.
func (h *history) add(from, to, records float64) {
	h.fine.add(from, to, records)
	h.middle.add(from, to, records)
	h.coarse.add(from, to, records)
}

// recall fills steps that nothing was observed of. Spans longer than a step say nothing about it.
func (h *history) recall(spans []Arrivals) {
	h.fine.recall(spans)
	h.middle.recall(spans)
	h.coarse.recall(spans)
}

// code is a rate in two bytes, exact to 0.04 %: 0 stands for a rate that is not known.
type code uint16

const codesPerE = 3000

func encode(rate float64) code {
	return code(1 + math.Round(codesPerE*math.Log1p(min(max(0, rate), mostRate))))
}

func (c code) rate() float64 { return math.Expm1(float64(c-1) / codesPerE) }

// ring keeps the mean rates of the newest steps. Steps are numbered by the clock: Unix time / step.
type ring struct {
	step   int64
	begun  bool
	newest int64 // the newest step that has ended
	rates  []code
	// What is known of the step that has not ended yet.
	open, covered float64
}

func newRing(step int64, steps int) ring { return ring{step: step, rates: make([]code, steps)} }

// place is where a step is kept; steps before 1970 have negative numbers.
func (r *ring) place(number int64) int64 {
	n := int64(len(r.rates))
	return (number%n + n) % n
}

// number is that of the step in which a moment is.
func (r *ring) number(at float64) int64 { return int64(math.Floor(at / float64(r.step))) }

// at returns the mean rate of a step, and whether it is known.
func (r *ring) at(number int64) (float64, bool) {
	if !r.begun || number > r.newest || number <= r.newest-int64(len(r.rates)) {
		return 0, false
	}
	c := r.rates[r.place(number)]
	return c.rate(), c > 0
}

func (r *ring) add(from, to, records float64) {
	if to <= from {
		return
	}
	rate := records / (to - from)
	// What is older than the ring would only be pushed out of it.
	from = max(from, to-float64(len(r.rates)+1)*float64(r.step))
	for from < to {
		current := r.number(from)
		r.advance(current)
		end := min(to, float64(current+1)*float64(r.step))
		r.open += rate * (end - from)
		r.covered += end - from
		from = end
	}
	r.advance(r.number(to))
}

// advance ends all steps before the current one.
func (r *ring) advance(current int64) {
	if !r.begun || r.newest >= current {
		// Nothing is known yet, or the clock went back: what is later than now cannot have been.
		if clear(r.rates); r.begun {
			r.open, r.covered = 0, 0
		}
		r.begun, r.newest = true, current-1
	}
	r.newest = max(r.newest, current-1-int64(len(r.rates))-1)
	for r.newest < current-1 {
		r.newest++
		c := &r.rates[r.place(r.newest)]
		*c = 0
		// Half a step stands for it: a planner begins in the middle of one.
		if r.covered >= float64(r.step)/2 {
			*c = encode(r.open / r.covered)
		}
		r.open, r.covered = 0, 0
	}
}

func (r *ring) recall(spans []Arrivals) {
	records, covered := make([]float64, len(r.rates)), make([]float64, len(r.rates))
	step := float64(r.step)
	for i := range spans {
		if last := r.number(seconds(spans[i].End)) - 1; !r.begun || (r.covered == 0 && last > r.newest) {
			r.begun, r.newest = true, last
		}
	}
	oldest := float64(r.newest-int64(len(r.rates))+1) * step
	for i := range spans {
		from, to := seconds(spans[i].Start), seconds(spans[i].End)
		if to <= from || to-from > max(4*fineStep, step) || spans[i].Records < 0 {
			continue
		}
		rate := float64(spans[i].Records) / (to - from)
		for at := max(from, oldest); at < to; {
			number := r.number(at)
			if number > r.newest {
				break
			}
			end := min(to, float64(number+1)*step)
			place := r.place(number)
			records[place] += rate * (end - at)
			covered[place] += end - at
			at = end
		}
	}
	for i := range r.rates {
		if r.rates[i] == 0 && covered[i] >= step/2 {
			r.rates[i] = encode(records[i] / covered[i])
		}
	}
}

// seconds is Unix time.
func seconds(t time.Time) float64 { return float64(t.Unix()) + float64(t.Nanosecond())/1e9 }

// near returns the rate at a moment by interpolation between the middles of steps, in Unix seconds.
func (r *ring) near(at float64) (float64, bool) {
	place := at/float64(r.step) - 0.5
	number := int64(math.Floor(place))
	a, knownA := r.at(number)
	b, knownB := r.at(number + 1)
	if !knownA || !knownB {
		return a + b, knownA || knownB
	}
	return a + (b-a)*(place-math.Floor(place)), true
}
