package scaler

import (
	"context"
	"slices"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

const (
	// pinFor is how long GetMetrics' decision waits for the IsActive of the same evaluation. KEDA makes the
	// two calls one after the other.
	pinFor = time.Second
	// keepFor is how long a decision stands for an unchanged snapshot. Time alone changes one too: offsets
	// grow too old, and lag becomes persistent.
	keepFor = time.Second
	// maxRoom is the largest report, in partitions, whose memory is used again.
	maxRoom = 1000
)

// evaluation is one decision and what it was made from, but for the report by
// partition: with ten thousand triggers those are more memory than all else, and
// only Explain shows one. It is never changed.
type evaluation struct {
	// snapshots are one a consumer group, in the trigger's order.
	snapshots []*collector.Snapshot
	decision  policy.Decision
	// at is when it was made.
	at time.Time
	// err is why there is no value.
	err error
	// response is GetMetrics' answer; nil where err is set.
	response *pb.GetMetricsResponse
	// validUntil is when the decision has to be made anew although the snapshot is the same.
	validUntil time.Time
}

// reports computes the lag in each of the snapshots. memory is read and its successor returned
// only in KEDA compatibility.
func (e *entry) reports(snapshots []*collector.Snapshot, memory lag.Memory, now time.Time) ([]lag.Report, lag.Memory) {
	return e.reportsInto(nil, snapshots, memory, now)
}

// reportsInto is reports with the partitions of the first report in room, see [lag.ComputeInto].
func (e *entry) reportsInto(room []lag.Partition, snapshots []*collector.Snapshot, memory lag.Memory, now time.Time) ([]lag.Report, lag.Memory) {
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
func (e *entry) evaluate(snapshots []*collector.Snapshot, reports []lag.Report, now time.Time) *evaluation {
	ev := &evaluation{snapshots: snapshots, at: now, validUntil: now.Add(keepFor)}
	for i := range reports {
		if ages := reports[i].ObservedAt.Add(e.trigger.Lag.MaxAge); ages.After(now) && ages.Before(ev.validUntil) {
			ev.validUntil = ages
		}
	}
	ev.decision = e.trigger.Policy.Decide(reports...)
	// What is wrong with a query as a whole comes first: the partitions that it left out are not in the report.
	for _, snapshot := range slices.Backward(snapshots) {
		if snapshot.Err != nil {
			ev.decision.Err = snapshot.Err
		}
	}
	ev.err = ev.decision.Err
	if ev.err == nil {
		ev.response = metricsResponse(e.trigger.MetricName, ev.decision)
	}
	return ev
}

// fresh says whether the evaluation is still the answer for the snapshots.
func (ev *evaluation) fresh(snapshots []*collector.Snapshot, now time.Time) bool {
	return ev != nil && slices.Equal(ev.snapshots, snapshots) && now.Before(ev.validUntil)
}

// current returns the decision for the snapshots, made anew only if there is need.
func (s *Server) current(e *entry, snapshots []*collector.Snapshot) *evaluation {
	e.mu.Lock()
	defer e.mu.Unlock()
	return s.currentLocked(e, snapshots, time.Now())
}

func (s *Server) currentLocked(e *entry, snapshots []*collector.Snapshot, now time.Time) *evaluation {
	if e.last.fresh(snapshots, now) {
		return e.last
	}
	// Nearly all that a decision allocates is a report that nobody looks at afterwards, but for its errors.
	room, _ := s.rooms.Get().(*[]lag.Partition)
	if room == nil {
		room = new([]lag.Partition)
	}
	reports, _ := e.reportsInto(*room, snapshots, e.memory, now)
	ev := s.decideLocked(e, snapshots, reports, now)
	if parts := reports[0].Partitions; ev.err == nil && len(parts) <= maxRoom {
		*room = parts
		s.rooms.Put(room)
	}
	return ev
}

// decideLocked makes the decision that is the present one from now on.
func (s *Server) decideLocked(e *entry, snapshots []*collector.Snapshot, reports []lag.Report, now time.Time) *evaluation {
	e.last = e.evaluate(snapshots, reports, now)
	if e.last.err == nil {
		e.wasActive.Store(e.last.decision.Active)
	}
	s.observer.Decided(e.namespace, e.name, e.trigger.MetricName, e.last.decision)
	return e.last
}

// measure is GetMetrics' part of a KEDA evaluation: it pins the decision for the
// IsActive that follows, and is the only one to advance the memory of KEDA's
// persistent lag.
func (s *Server) measure(e *entry, snapshots []*collector.Snapshot) *evaluation {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stateful() {
		var reports []lag.Report
		reports, e.memory = e.reports(snapshots, e.memory, now)
		s.decideLocked(e, snapshots, reports, now)
	}
	ev := s.currentLocked(e, snapshots, now)
	if ev.err == nil {
		e.pinned, e.pinnedUntil = ev, now.Add(pinFor)
	}
	return ev
}

// takePinned returns the decision that GetMetrics pinned, once.
func (e *entry) takePinned() *evaluation {
	e.mu.Lock()
	defer e.mu.Unlock()
	ev := e.pinned
	e.pinned = nil
	if ev == nil || !time.Now().Before(e.pinnedUntil) {
		return nil
	}
	return ev
}

// forgetDecision drops a decision that no call will take any more.
func (e *entry) forgetDecision(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last != nil && !now.Before(e.last.validUntil) {
		e.last = nil
	}
	if e.pinned != nil && !now.Before(e.pinnedUntil) {
		e.pinned = nil
	}
}

// forget drops the memory of KEDA's persistent lag: KEDA throws a scaler away on any error.
func (e *entry) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.memory = nil
}

// snapshots asks the trigger's cluster, for each of its consumer groups.
func (s *Server) snapshots(ctx context.Context, e *entry) ([]*collector.Snapshot, error) {
	cluster, err := s.clusters.Resolve(e.namespace, e.trigger.Connection)
	if err != nil {
		return nil, err
	}
	if len(e.queries) > 1 {
		return snapshotsOf(ctx, cluster, e.queries)
	}
	snapshot, err := cluster.Snapshot(ctx, e.queries[0])
	return e.alone(snapshot), err
}

// alone makes a list of one snapshot. Nearly always that is the one of the last decision, whose list is the same.
func (e *entry) alone(snapshot *collector.Snapshot) []*collector.Snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last != nil && e.last.snapshots[0] == snapshot {
		return e.last.snapshots
	}
	return []*collector.Snapshot{snapshot}
}

func metricsResponse(metric string, d policy.Decision) *pb.GetMetricsResponse {
	return &pb.GetMetricsResponse{MetricValues: []*pb.MetricValue{{
		MetricName:       metric,
		MetricValue:      d.Value,
		MetricValueFloat: float64(d.Value),
	}}}
}
