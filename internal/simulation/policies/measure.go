package policies

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
)

// sample is what a measure remembers of a view.
type sample struct {
	at     time.Duration
	logEnd []int64
	total  int64
}

// measure is a sliding window over the log ends.
type measure struct {
	over    time.Duration
	samples []sample // oldest first
}

func (m *measure) observe(v *simulation.View) {
	s := sample{at: v.At}
	if n := len(m.samples); n > 1 && m.samples[1].at <= v.At-m.over {
		s.logEnd = m.samples[0].logEnd // the room of what leaves the window
		copy(m.samples, m.samples[1:])
		m.samples = m.samples[:n-1]
	}
	s.logEnd = append(s.logEnd[:0], v.LogEnd...)
	for _, end := range s.logEnd {
		s.total += end
	}
	m.samples = append(m.samples, s)
}

// rate is how many records a second arrived in the window.
func (m *measure) rate() float64 {
	first, last, seconds := m.span()
	if seconds <= 0 {
		return 0
	}
	return float64(last.total-first.total) / seconds
}

// partitionRate is the same for one partition.
func (m *measure) partitionRate(p int) float64 {
	first, last, seconds := m.span()
	if seconds <= 0 {
		return 0
	}
	return float64(last.logEnd[p]-first.logEnd[p]) / seconds
}

func (m *measure) span() (first, last sample, seconds float64) {
	if len(m.samples) < 2 {
		return first, last, 0
	}
	first, last = m.samples[0], m.samples[len(m.samples)-1]
	return first, last, (last.at - first.at).Seconds()
}
