package scaledobject

import (
	"slices"
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// Evaluation is one decision and what it was made from, but for the report by
// partition: with ten thousand triggers those are more memory than all else, and
// only [Evaluator.Preview] shows one. It is never changed.
type Evaluation struct {
	// Decision is what KEDA is told. Where its Err is set there is no value.
	Decision policy.Decision
	// At is when it was made.
	At time.Time
	// Latency is what the planner of targetLatency decided, and LatencyErr why that is no number; nil without
	// targetLatency, and for a trigger that KEDA has not asked about. It must not be changed.
	Latency    *latency.Decision
	LatencyErr error

	// snapshots are one a consumer group, in the trigger's order.
	snapshots []*collector.Snapshot
	// validUntil is when the decision has to be made again although the snapshot is the same.
	validUntil time.Time
	answer     sync.Once
	answered   any
}

// Answer returns what render makes of the evaluation. It is kept with it, so that many calls get the same: all
// must give the same render.
func (ev *Evaluation) Answer(render func(*Evaluation) any) any {
	ev.answer.Do(func() { ev.answered = render(ev) })
	return ev.answered
}

// Active reports whether the workload should run; known is false where nobody can tell. What is known may be
// enough for true although there is no value.
func (ev *Evaluation) Active() (active, known bool) {
	return ev.Decision.Active, ev.Decision.Err == nil || ev.Decision.Active
}

// fresh says whether the evaluation is still the answer for the snapshots.
func (ev *Evaluation) fresh(snapshots []*collector.Snapshot, now time.Time) bool {
	return ev != nil && slices.Equal(ev.snapshots, snapshots) && now.Before(ev.validUntil)
}

// reports computes the lag in each of the snapshots. memory is read and its successor returned
// only in KEDA compatibility.
func (e *Entry) reports(snapshots []*collector.Snapshot, memory lag.Memory, now time.Time) ([]lag.Report, lag.Memory) {
	return e.reportsInto(nil, snapshots, memory, now)
}

// reportsInto is reports with the partitions of the first report in room, see [lag.ComputeInto].
func (e *Entry) reportsInto(room []lag.Partition, snapshots []*collector.Snapshot, memory lag.Memory, now time.Time) ([]lag.Report, lag.Memory) {
	reports := make([]lag.Report, len(snapshots))
	for i, snapshot := range snapshots {
		if e.trigger.Policy.Compatibility == policy.KEDA {
			reports[i], memory = lag.ComputeKEDA(e.trigger.Lag, snapshot.Offsets, memory, now)
		} else {
			reports[i] = lag.ComputeInto(room, e.trigger.Lag, snapshot.Offsets, now)
			room = nil
		}
		reports[i].Group = snapshot.Group
	}
	return reports, memory
}

// evaluate decides from snapshots and the reports about them.
func (e *Entry) evaluate(snapshots []*collector.Snapshot, reports []lag.Report, now time.Time) *Evaluation {
	ev := &Evaluation{snapshots: snapshots, At: now, validUntil: now.Add(keepFor)}
	for i := range reports {
		if ages := reports[i].ObservedAt.Add(e.trigger.Lag.MaxAge); ages.After(now) && ages.Before(ev.validUntil) {
			ev.validUntil = ages
		}
	}
	// What is wrong with a query as a whole comes first: the partitions that it left out are not in the report.
	var wrong error
	for i, snapshot := range slices.Backward(snapshots) {
		if snapshot.Err != nil {
			reports[i].Err, wrong = snapshot.Err, snapshot.Err
		}
	}
	ev.Decision = e.trigger.Policy.Decide(policy.Input{Reports: reports})
	if wrong != nil {
		ev.Decision.Err = wrong
		// Consumers at work in what was left out would make lag that counts here persistent.
		if e.trigger.Lag.ExcludePersistentFromActivation || fault.KindOf(wrong) == fault.Invalid {
			ev.Decision.Active, ev.Decision.Steps = false, nil
		}
	}
	e.applyLatency(ev, now)
	return ev
}
