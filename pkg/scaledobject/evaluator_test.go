package scaledobject

import (
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func TestDecisionIsMadeOnceASnapshot(t *testing.T) {
	o := &seen{}
	v := NewEvaluator(fixedCluster{}, uncontained)
	e := newTestRegistry(o).Get(ref("worker"))
	snapshot := []*collector.Snapshot{snapshotOf(5)}
	now := time.Now()
	first := v.currentLocked(e, snapshot, now)
	if again := v.currentLocked(e, snapshot, now.Add(keepFor/2)); again != first {
		t.Error("decided twice from one snapshot")
	}
	if later := v.currentLocked(e, snapshot, now.Add(keepFor)); later == first {
		t.Error("a decision outlived keepFor")
	}
	nearlyOld := snapshot[0].ObservedAt.Add(e.trigger.Lag.MaxAge - keepFor/2)
	if ev := v.currentLocked(e, snapshot, nearlyOld); ev.Decision.Err != nil {
		t.Errorf("younger than maxSnapshotAge: %v", ev.Decision.Err)
	}
	old := v.currentLocked(e, snapshot, nearlyOld.Add(keepFor*3/4))
	if fault.KindOf(old.Decision.Err) != fault.Unavailable {
		t.Errorf("snapshot older than maxSnapshotAge: %v, want unavailable", old.Decision.Err)
	}
	if len(o.decisions) != 4 {
		t.Errorf("observer was told of %d decisions, want 4", len(o.decisions))
	}
}

// TestObserversGetTheSteps: what is shown of a decision elsewhere is the whole of it.
func TestObserversGetTheSteps(t *testing.T) {
	o := &seen{}
	v := NewEvaluator(fixedCluster{snapshot: snapshotOf(30, 5)}, uncontained)
	ev, err := v.Measure(t.Context(), newTestRegistry(o).Get(ref("worker")))
	if err != nil {
		t.Fatal(err)
	}
	if told := o.decisions[0].Steps; len(told) < 3 || told[0].Rule != policy.RuleTotalLag || len(told) != len(ev.Decision.Steps) {
		t.Errorf("told %v, decided %v", told, ev.Decision.Steps)
	}
}

// TestLateAnswerOfAClusterThatWasReplaced changes nothing for the new one.
func TestLateAnswerOfAClusterThatWasReplaced(t *testing.T) {
	before, after := fixedCluster{snapshot: snapshotOf(7)}, fixedCluster{snapshot: snapshotOf(0)}
	cluster := before
	r := newTestRegistry(&seen{})
	v := NewEvaluator(ClustersFunc(func(string, trigger.Connection) (fixedCluster, error) { return cluster, nil }), uncontained)
	e := r.Get(ref("worker"))
	late, err := v.read(t.Context(), e, Snapshots.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	cluster = after
	if ev, err := v.Measure(t.Context(), e); err != nil || ev.Decision.Value != 0 {
		t.Errorf("after: %v, %v", ev, err)
	}
	v.measure(e, late)
	if ev, err := v.Activity(t.Context(), e); err != nil || ev.Decision.Active {
		t.Errorf("after a late answer: %v, %v; want what the new cluster says", ev, err)
	}
	r.forgetDecisions(time.Now().Add(time.Minute))
	if e.cluster != nil {
		t.Error("the cluster is kept alive although nothing is remembered of it")
	}
}

// TestAnswerIsMadeOnce: ten thousand calls a second get the same.
func TestAnswerIsMadeOnce(t *testing.T) {
	ev := &Evaluation{Decision: policy.Decision{Value: 3}}
	made := 0
	for range 2 {
		if got := ev.Answer(func(ev *Evaluation) any { made++; return ev.Decision.Value }); got != int64(3) {
			t.Errorf("got %v", got)
		}
	}
	if made != 1 {
		t.Errorf("made %d times", made)
	}
}
