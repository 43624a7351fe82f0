package scaledobject

import (
	"testing"
	"time"
)

// TestPastDecisionsAreForgotten: a decision keeps a snapshot alive, so it goes when
// no call will take it any more, and not before; and nobody can tell that it went.
func TestPastDecisionsAreForgotten(t *testing.T) {
	r := newTestRegistry(&seen{})
	v := NewEvaluator(fixedCluster{snapshot: snapshotOf(30, 5)}, uncontained)
	e := r.Get(ref("worker"))
	if _, err := v.Measure(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	r.forgetDecisions(e.last.At)
	if e.last == nil || e.pinned == nil {
		t.Fatal("a decision that still counts was dropped")
	}
	r.forgetDecisions(e.last.At.Add(max(keepFor, pinFor) + time.Second))
	if e.last != nil || e.pinned != nil || e.cluster != nil {
		t.Error("a decision that is past was kept, or the cluster that it is about")
	}
	if ev, err := v.Activity(t.Context(), e); err != nil || !ev.Decision.Active {
		t.Errorf("Activity after that: %v, %v", ev, err)
	}
}
