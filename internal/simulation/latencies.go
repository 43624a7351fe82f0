package simulation

import (
	"math"
	"time"
)

// latencies is a histogram of latencies in seconds. Its buckets are 1/64 of an octave wide, so that a quantile
// is at most 1.6 % too high; the maximum is exact.
type latencies struct {
	counts [buckets]int64
	total  int64
	sum    float64
	max    float64
}

const (
	perOctave = 64
	// The first bucket ends at 2^-10 s, about a millisecond; the last begins at 2^22 s, about 48 days.
	firstOctave = -10
	buckets     = (22-firstOctave)*perOctave + 1
	// mantissaShift leaves 6 bits of the mantissa, the number within an octave.
	mantissaShift = 52 - 6
)

func bucketOf(seconds float64) int {
	const bias = (1023 + firstOctave) * perOctave
	b := int(math.Float64bits(seconds)>>mantissaShift) - bias + 1
	return min(max(b, 0), buckets-1)
}

func (l *latencies) add(seconds float64) {
	l.counts[bucketOf(seconds)]++
	l.total++
	l.sum += seconds
	l.max = max(l.max, seconds)
}

// quantile returns the latency that a share q of the records does not exceed.
func (l *latencies) quantile(q float64) time.Duration {
	rank := int64(math.Ceil(q * float64(l.total)))
	var seen int64
	for b, n := range l.counts {
		if seen += n; seen >= rank && n > 0 {
			octave, part := b/perOctave+firstOctave, b%perOctave
			upper := math.Ldexp(1+float64(part)/perOctave, octave)
			return toDuration(min(upper, l.max))
		}
	}
	return 0
}

func toDuration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
