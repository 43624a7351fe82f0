package latency

import (
	"math"
	"slices"
	"time"
)

// aheads are the times that are forecast, in fine steps: 1, 2, 5, 10 and 20 minutes.
var aheads = [...]int{4, 8, 20, 40, 80}

// shown are those that a decision shows.
const shown = 3

// outlook is what is expected to arrive, in records a second: now, and in the spans that end with each of the
// times ahead and begin with the one before.
type outlook struct {
	known          bool
	now            float64
	expected, high [len(aheads)]float64
}

// path returns the rate so many seconds ahead, and the last one beyond the last.
func path(rates *[len(aheads)]float64, ahead float64) float64 {
	for i, end := range aheads {
		if ahead < float64(end*fineStep) {
			return rates[i]
		}
	}
	return rates[len(aheads)-1]
}

const (
	// enoughErrors is how many it takes for quantiles of them.
	enoughErrors = 20
	// errorSteps is how far apart errors are taken: nearer ones say nearly the same.
	errorSteps = 2
)

// lookAhead makes the forecast. For each time ahead it forecasts the mean rate until then, for it is the sum of
// records that makes others wait: by all experts, weighted by the inverse squares of their errors in the last
// hour, and corrected by the median of the errors that this mixture had there. High is what the share q of
// these errors stays below.
func (h *history) lookAhead(l *lastHour, q float64) outlook {
	o := outlook{now: l.mean(fineSteps-levelSteps, fineSteps)}
	if o.known = !math.IsNaN(o.now); !o.known {
		return outlook{}
	}
	var panel panel
	panel.ask(l)
	var sumExpected, sumHigh float64
	for i, ahead := range aheads {
		forecast, errors := panel.forecast(i)
		middle, upper := usualErrors(ahead)
		if len(errors) >= enoughErrors {
			slices.Sort(errors)
			middle, upper = quantile(errors, 0.5), quantile(errors, q)
		}
		before := 0
		if i > 0 {
			before = aheads[i-1]
		}
		expected := forecast * math.Exp(middle)
		high := forecast * math.Exp(max(upper, middle))
		span := float64(ahead - before)
		o.expected[i] = max(0, expected*float64(ahead)-sumExpected) / span
		o.high[i] = max(0, high*float64(ahead)-sumHigh) / span
		o.high[i] = max(o.high[i], o.expected[i])
		sumExpected += o.expected[i] * span
		sumHigh += o.high[i] * span
	}
	return o
}

// usualErrors are assumed until there are enough: none in the middle, and a tenth above at one minute.
func usualErrors(ahead int) (middle, upper float64) {
	return 0, 0.1 * math.Sqrt(float64(ahead)/4)
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
	list := []Forecast{{0, o.now, o.now}}
	for i, ahead := range aheads[:shown] {
		list = append(list, Forecast{time.Duration(ahead) * Interval, o.expected[i], o.high[i]})
	}
	return list
}
