package latency

import "math"

// lastHour is the last hour in fine steps, decoded once for a decision. Rates that are not known are NaN.
// Its steps are numbered from the oldest, 0, to the newest, fineSteps - 1.
type lastHour struct {
	h     *history
	rates [fineSteps]float64
	// sums are the records a second of all steps before each, added up.
	sums [fineSteps + 1]float64
}

func (l *lastHour) read(h *history) {
	l.h = h
	for i := range l.rates {
		rate, known := h.fine.at(h.fine.newest - fineSteps + 1 + int64(i))
		if !known {
			rate = math.NaN()
			l.sums[i+1] = 0 // means are only taken over known steps
		} else {
			l.sums[i+1] = l.sums[i] + rate
		}
		l.rates[i] = rate
	}
}

// mean is that of the steps from one up to, and without, another; NaN where one is not known.
func (l *lastHour) mean(from, to int) float64 {
	if from < 0 || to > fineSteps || from >= to {
		return math.NaN()
	}
	for _, rate := range l.rates[from:to] {
		if math.IsNaN(rate) {
			return rate
		}
	}
	return (l.sums[to] - l.sums[from]) / float64(to-from)
}

// line is the straight line through so many steps before one, by least squares: its value at the end of the
// last of them, and its slope a step. NaN where a step is not known.
func (l *lastHour) line(end, steps int) (value, slope float64) {
	if end-steps < 0 {
		return math.NaN(), math.NaN()
	}
	middle := float64(steps-1) / 2
	var mean, sum, squares float64
	for i, rate := range l.rates[end-steps : end] {
		x := float64(i) - middle
		mean += rate
		sum += x * rate
		squares += x * x
	}
	mean /= float64(steps)
	slope = sum / squares
	return mean + slope*float64(steps)/2, slope
}

// back is how long ago the last so many records had begun to arrive, in seconds.
func (l *lastHour) back(records float64) float64 {
	if records <= 0 {
		return 0
	}
	var at, last float64
	for i := fineSteps - 1; i >= 0; i-- {
		rate := l.rates[i]
		if math.IsNaN(rate) {
			break
		}
		last = max(rate, 1e-6)
		if records <= rate*fineStep {
			return at + records/last
		}
		records -= rate * fineStep
		at += fineStep
	}
	return at + records/max(last, 1e-6)
}

// within is how many records have arrived in the last so many seconds.
func (l *lastHour) within(seconds float64) float64 {
	var sum float64
	for i := fineSteps - 1; i >= 0 && seconds > 0; i-- {
		if rate := l.rates[i]; !math.IsNaN(rate) {
			sum += rate * min(seconds, fineStep)
		}
		seconds -= fineStep
	}
	return sum
}
