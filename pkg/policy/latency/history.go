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
	newest int64 // the newest step that has ended; 0 as long as there is none
	rates  []code
	// What is known of the step that has not ended yet.
	open, covered float64
}

func newRing(step int64, steps int) ring { return ring{step: step, rates: make([]code, steps)} }

func (r *ring) slot(number int64) *code { return &r.rates[number%int64(len(r.rates))] }

// at returns the mean rate of a step, and whether it is known.
func (r *ring) at(number int64) (float64, bool) {
	if number <= 0 || number > r.newest || number <= r.newest-int64(len(r.rates)) {
		return 0, false
	}
	c := *r.slot(number)
	return c.rate(), c > 0
}

func (r *ring) add(from, to, records float64) {
	if to <= from {
		return
	}
	r.advance(int64(from) / r.step)
	for step := float64(r.step); from < to; {
		current := math.Floor(from / step)
		end := min(to, (current+1)*step)
		r.advance(int64(current))
		r.open += records * (end - from) / (to - from)
		r.covered += end - from
		records -= records * (end - from) / (to - from)
		from = end
	}
	r.advance(int64(to) / r.step)
}

// advance ends all steps before the current one.
func (r *ring) advance(current int64) {
	if r.newest == 0 {
		r.newest = current - 1
	}
	for first := current - int64(len(r.rates)); r.newest < current-1; {
		r.newest++
		if r.newest < first {
			r.newest = first // what is older leaves the ring unseen
		}
		*r.slot(r.newest) = 0
		// Half a step stands for it: a planner begins in the middle of one.
		if r.covered >= float64(r.step)/2 {
			*r.slot(r.newest) = encode(r.open / r.covered)
		}
		r.open, r.covered = 0, 0
	}
}

func (r *ring) recall(spans []Arrivals) {
	records, covered := make([]float64, len(r.rates)), make([]float64, len(r.rates))
	step := float64(r.step)
	if r.newest == 0 {
		for i := range spans {
			r.newest = max(r.newest, spans[i].End.Unix()/r.step-1)
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
			number := int64(at / step)
			if number > r.newest {
				break
			}
			end := min(to, float64(number+1)*step)
			slot := number % int64(len(r.rates))
			records[slot] += rate * (end - at)
			covered[slot] += end - at
			at = end
		}
	}
	for slot := range r.rates {
		if r.rates[slot] == 0 && covered[slot] >= step/2 {
			r.rates[slot] = encode(records[slot] / covered[slot])
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
