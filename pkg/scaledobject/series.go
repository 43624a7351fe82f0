package scaledobject

import (
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// series tells an observer of decisions until it is closed, whatever is still in
// flight then: so that nothing of a trigger outlives its entry. The zero value tells nobody.
type series struct {
	mu   sync.Mutex
	open Series
}

func (s *series) begin(open Series) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = open
}

func (s *series) decided(d policy.Decision, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil {
		s.open.Decided(d, at)
	}
}

func (s *series) planned(d latency.Decision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil {
		s.open.Planned(d)
	}
}

func (s *series) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil {
		s.open.Close()
		s.open = nil
	}
}

type noObserver struct{}

// Observe implements [Observer].
func (noObserver) Observe(string, string, string) Series { return nil }
