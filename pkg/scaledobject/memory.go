package scaledobject

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// turnTo forgets what was decided about another cluster. The caller holds mu.
func (e *Entry) turnTo(cluster Snapshots) {
	if e.cluster != cluster {
		e.cluster, e.last, e.pinned, e.memory = cluster, nil, nil, nil
	}
}

// decide makes the decision that is the present one from now on. The caller holds mu.
func (e *Entry) decide(snapshots []*collector.Snapshot, reports []lag.Report, now time.Time) *Evaluation {
	e.last = e.evaluate(snapshots, reports, now)
	if active, known := e.last.Active(); known {
		e.wasActive.Store(active)
	}
	e.series.decided(e.last.Decision, now)
	return e.last
}

// takePinned returns, once, the decision about the cluster that GetMetrics pinned.
func (e *Entry) takePinned(cluster Snapshots) *Evaluation {
	e.mu.Lock()
	defer e.mu.Unlock()
	ev := e.pinned
	e.pinned = nil
	if ev == nil || e.cluster != cluster || !time.Now().Before(e.pinnedUntil) {
		return nil
	}
	return ev
}

// forgetDecision drops a decision that no call will take any more.
func (e *Entry) forgetDecision(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last != nil && !now.Before(e.last.validUntil) {
		e.last = nil
	}
	if e.pinned != nil && !now.Before(e.pinnedUntil) {
		e.pinned = nil
	}
	if e.last == nil && e.pinned == nil && e.memory == nil {
		e.cluster = nil // one that was replaced is not to be kept alive
	}
}

// forget drops the memory of KEDA's persistent lag: KEDA throws a scaler away on any error.
func (e *Entry) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.memory = nil
}

// alone makes a list of one snapshot. Nearly always that is the one of the last decision, whose list is the same.
func (e *Entry) alone(snapshot *collector.Snapshot) []*collector.Snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last != nil && e.last.snapshots[0] == snapshot {
		return e.last.snapshots
	}
	return []*collector.Snapshot{snapshot}
}

// undecided notes that there is no snapshot of the trigger at all, and returns why.
func (e *Entry) undecided(err error) error {
	e.forget()
	e.series.decided(policy.Decision{Target: e.Target(), Unit: e.Unit(), Err: err}, time.Now())
	return err
}

// preview returns what the next Measure would answer, with the reports that it
// is made from, and leaves no trace.
func (e *Entry) preview(r reading, now time.Time) (*Evaluation, []lag.Report) {
	e.mu.Lock()
	last, memory, cluster := e.last, e.memory, e.cluster
	e.mu.Unlock()
	if cluster != r.cluster {
		last, memory = nil, nil
	}
	if !e.stateful() && last.fresh(r.snapshots, now) {
		// The same moment gives the same reports again.
		reports, _ := e.reports(r.snapshots, memory, last.At)
		return last, reports
	}
	reports, _ := e.reports(r.snapshots, memory, now)
	return e.evaluate(r.snapshots, reports, now), reports
}
