package trace

import (
	"errors"
	"fmt"
	"sort"
	"time"
)

// Trace is the rate of something over time, for instance of the records that arrive in a topic.
type Trace struct {
	// seconds are the times of the samples, since the first; rates the values. Both have the same length.
	seconds []float64
	rates   []float64
}

var errShort = errors.New("a trace needs two samples at different times")

// New makes a trace of samples at times in seconds, which must ascend.
func New(seconds, rates []float64) (*Trace, error) {
	if len(seconds) != len(rates) || len(seconds) < 2 {
		return nil, errShort
	}
	t := &Trace{rates: rates, seconds: make([]float64, len(seconds))}
	for i, s := range seconds {
		if i > 0 && s <= seconds[i-1] {
			return nil, fmt.Errorf("the samples' times must ascend: %.0f comes after %.0f", s, seconds[i-1])
		}
		t.seconds[i] = s - seconds[0]
	}
	return t, nil
}

// Length is the time from the first sample to the last.
func (t *Trace) Length() time.Duration {
	return time.Duration(t.seconds[len(t.seconds)-1] * float64(time.Second))
}

// Rate returns the rate at a time since the first sample: on the line between the samples around it, and that
// of the nearest sample outside.
func (t *Trace) Rate(at time.Duration) float64 {
	s := at.Seconds()
	i := sort.SearchFloat64s(t.seconds, s)
	switch i {
	case 0:
		return t.rates[0]
	case len(t.seconds):
		return t.rates[i-1]
	}
	before, after := t.seconds[i-1], t.seconds[i]
	part := (s - before) / (after - before)
	return t.rates[i-1] + part*(t.rates[i]-t.rates[i-1])
}

// Mean returns the mean rate of a span, sampled once a second.
func (t *Trace) Mean(from, to time.Duration) float64 {
	sum, n := 0.0, 0
	for at := from; at < to; at += time.Second {
		sum += t.Rate(at)
		n++
	}
	return sum / float64(max(1, n))
}

// Peak returns the highest mean of a minute in a span.
func (t *Trace) Peak(from, to time.Duration) float64 {
	most := 0.0
	for at := from; at < to; at += time.Minute {
		most = max(most, t.Mean(at, min(to, at+time.Minute)))
	}
	return most
}

// Scaled returns the trace with every rate multiplied.
func (t *Trace) Scaled(by float64) *Trace {
	rates := make([]float64, len(t.rates))
	for i, r := range t.rates {
		rates[i] = r * by
	}
	return &Trace{seconds: t.seconds, rates: rates}
}

// Stretched returns the trace with its lowest rate moved to low, its highest to high, and the others in
// proportion: for traces that are in relative units.
func (t *Trace) Stretched(low, high float64) *Trace {
	least, most := t.rates[0], t.rates[0]
	for _, r := range t.rates {
		least, most = min(least, r), max(most, r)
	}
	rates := make([]float64, len(t.rates))
	for i, r := range t.rates {
		rates[i] = low
		if most > least {
			rates[i] = low + (high-low)*(r-least)/(most-least)
		}
	}
	return &Trace{seconds: t.seconds, rates: rates}
}
