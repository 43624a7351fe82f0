package scaler

import (
	"testing"
	"time"
)

// TestPastDecisionsAreForgotten: a decision keeps a snapshot alive, so it goes when
// no call will take it any more, and not before; and nobody can tell that it went.
func TestPastDecisionsAreForgotten(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(30, 5)
	s := newTestServer(t, Options{Clusters: kafka})
	object := ref("worker")
	if _, err := s.GetMetrics(t.Context(), metricsRequest(object)); err != nil {
		t.Fatal(err)
	}
	e := s.registry.peek(object)
	s.registry.forgetDecisions(e.last.at)
	if e.last == nil || e.pinned == nil {
		t.Fatal("a decision that still counts was dropped")
	}
	s.registry.forgetDecisions(e.last.at.Add(max(keepFor, pinFor) + time.Second))
	if e.last != nil || e.pinned != nil {
		t.Error("a decision that is past was kept")
	}
	if active, err := s.IsActive(t.Context(), object); err != nil || !active.GetResult() {
		t.Errorf("IsActive after that: %v, %v", active, err)
	}
}
