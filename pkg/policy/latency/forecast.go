package latency

import (
	"math"
	"slices"
	"time"
)

// aheads are the moments that are forecast, in fine steps: 0, 1, 2, 5, 10 and 20 minutes.
var aheads = [...]int{0, 4, 8, 20, 40, 80}

// shown are those that a decision shows.
const shown = 4

// outlook is the forecast for all moments.
type outlook struct {
	known          bool
	expected, high [len(aheads)]float64
}

// path returns the rate so many seconds ahead by interpolation, and the last one beyond the last.
func path(rates *[len(aheads)]float64, ahead float64) float64 {
	place := ahead / fineStep
	for i := 1; i < len(aheads); i++ {
		if a, b := float64(aheads[i-1]), float64(aheads[i]); place < b {
			return rates[i-1] + (rates[i]-rates[i-1])*max(0, place-a)/(b-a)
		}
	}
	return rates[len(aheads)-1]
}

// expert is one way to look ahead.
type expert uint8

const (
	level expert = iota
	trend
	daily
	weekly
	experts
)

// Spans that the experts look at, in fine steps.
const (
	levelSteps = 4
	trendSteps = 20
	// enough errors to take quantiles of.
	enoughErrors = 20
	// errorSteps is how far apart errors are taken: nearer ones say nearly the same.
	errorSteps = 2
)

// lastHour is the last hour in fine steps, decoded once for a decision. Rates that are not known are NaN.
type lastHour struct {
	h     *history
	rates [fineSteps]float64 // the newest is the last
	// levels and slopes are those of the steps that end with each.
	levels, slopes [fineSteps]float64
}

func (l *lastHour) read(h *history) {
	l.h = h
	for i := range l.rates {
		rate, known := h.fine.at(h.fine.newest - fineSteps + 1 + int64(i))
		if !known {
			rate = math.NaN()
		}
		l.rates[i] = rate
	}
	for end := range l.rates {
		l.levels[end], l.slopes[end] = l.mean(end, levelSteps), l.slope(end, trendSteps)
	}
}

// mean is that of the steps that end with one; NaN where one is not known.
func (l *lastHour) mean(end, steps int) float64 {
	if end-steps+1 < 0 {
		return math.NaN()
	}
	var sum float64
	for _, rate := range l.rates[end-steps+1 : end+1] {
		sum += rate
	}
	return sum / float64(steps)
}

// slope is that of the straight line through the steps that end with one, a step.
func (l *lastHour) slope(end, steps int) float64 {
	if end-steps+1 < 0 {
		return math.NaN()
	}
	middle := float64(steps-1) / 2
	var sum, squares float64
	for i, rate := range l.rates[end-steps+1 : end+1] {
		x := float64(i) - middle
		sum += x * rate
		squares += x * x
	}
	return sum / squares
}

// seen by an expert who stands at the end of one step: the rate so many steps ahead; NaN where he cannot say.
func (l *lastHour) seen(by expert, end, ahead int) float64 {
	now := l.levels[end]
	switch by {
	case trend:
		return l.trend(now, end, reach(ahead))
	case daily:
		return now * l.season(&l.h.middle, end, ahead, 24*3600)
	case weekly:
		return now * l.season(&l.h.coarse, end, ahead, 7*24*3600)
	default:
		return now
	}
}

// trend follows the line of the last five minutes, which loses half of its slope in ten.
func (l *lastHour) trend(now float64, end int, reach float64) float64 {
	return min(max(now+l.slopes[end]*reach, now/3), 3*now)
}

// reach is by how many slopes a rate changes from the middle of the level to so many steps ahead.
func reach(ahead int) float64 {
	const halfLife = 40
	decay := math.Exp2(-1.0 / halfLife)
	return (1 - math.Pow(decay, float64(ahead)+levelSteps/2.0)) / (1 - decay)
}

// season is by how much the rate changed at this time of an earlier day.
func (l *lastHour) season(r *ring, end, ahead int, back float64) float64 {
	at := float64(l.h.fine.newest-fineSteps+2+int64(end))*fineStep - levelSteps*fineStep/2.0 - back
	was, knownWas := r.near(at)
	then, knownThen := r.near(at + float64(ahead*fineStep) + levelSteps*fineStep/2.0)
	if !knownWas || !knownThen || was <= 0 {
		return math.NaN()
	}
	return min(max(then/was, 0.5), 3)
}

// lookAhead makes the forecast: for each moment the expert who was nearest to the truth in the last hour,
// corrected by his own errors there. High is what the share q of his errors stays below.
func (h *history) lookAhead(l *lastHour, q float64) outlook {
	var o outlook
	var errors [fineSteps]float64
	for i, ahead := range aheads {
		if ahead == 0 {
			o.expected[0] = l.mean(fineSteps-1, levelSteps)
			if math.IsNaN(o.expected[0]) {
				return outlook{}
			}
			o.high[0] = o.expected[0]
			o.known = true
			continue
		}
		best, sorted := l.choose(ahead, &errors)
		forecast := l.seen(best, fineSteps-1, ahead)
		middle, upper := usualErrors(ahead)
		if len(sorted) >= enoughErrors {
			middle = quantile(sorted, 0.5)
			upper = quantile(sorted, q)
		}
		o.expected[i] = forecast * math.Exp(middle)
		o.high[i] = forecast * math.Exp(max(upper, middle))
	}
	return o
}

// usualErrors are assumed until there are enough: none in the middle, and a tenth above at one minute.
func usualErrors(ahead int) (middle, upper float64) {
	return 0, 0.1 * math.Sqrt(float64(ahead)/4)
}

// choose returns the best expert and his errors, sorted: the logarithm of truth / forecast.
func (l *lastHour) choose(ahead int, errors *[fineSteps]float64) (best expert, sorted []float64) {
	least := math.Inf(1)
	var mine [fineSteps]float64
	for e := range experts {
		if math.IsNaN(l.seen(e, fineSteps-1, ahead)) {
			continue
		}
		n, sum := 0, 0.0
		for end := fineSteps - 1 - ahead - levelSteps/2; end >= levelSteps-1; end -= errorSteps {
			err := math.Log((l.levels[end+ahead+levelSteps/2] + 1e-9) / (l.seen(e, end, ahead) + 1e-9))
			if !math.IsNaN(err) {
				mine[n] = err
				sum += math.Abs(err)
				n++
			}
		}
		// Two experts without a past: the first, the level.
		mean := math.Inf(1)
		if n > 0 {
			mean = sum / float64(n)
		}
		if n >= enoughErrors && mean < least || e == level {
			least, best = mean, e
			*errors = mine
			sorted = errors[:n]
		}
	}
	slices.Sort(sorted)
	return best, sorted
}

// quantile of sorted values.
func quantile(sorted []float64, q float64) float64 {
	place := q * float64(len(sorted)-1)
	i := int(place)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (sorted[i+1]-sorted[i])*(place-float64(i))
}

// show returns what a decision shows of the forecast.
func (o *outlook) show() []Forecast {
	if !o.known {
		return nil
	}
	list := make([]Forecast, shown)
	for i := range list {
		list[i] = Forecast{time.Duration(aheads[i]) * Interval, o.expected[i], o.high[i]}
	}
	return list
}
