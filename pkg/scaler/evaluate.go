package scaler

import (
	"context"
	"slices"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
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

// reading is what a cluster said of a trigger: one snapshot for each consumer group, in the trigger's order.
type reading struct {
	cluster   Snapshots
	snapshots []*collector.Snapshot
}

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
	// What is wrong with a query as a whole comes first: the partitions that it left out are not in the report.
	var wrong error
	for i, snapshot := range slices.Backward(snapshots) {
		if snapshot.Err != nil {
			reports[i].Err, wrong = snapshot.Err, snapshot.Err
		}
	}
	ev.decision = e.trigger.Policy.Decide(policy.Input{Reports: reports})
	if wrong != nil {
		ev.decision.Err = wrong
		// Consumers at work in what was left out would make lag that counts here persistent.
		if e.trigger.Lag.ExcludePersistentFromActivation || fault.KindOf(wrong) == fault.Invalid {
			ev.decision.Active, ev.decision.Steps = false, nil
		}
	}
	ev.err = ev.decision.Err
	if ev.err == nil {
		ev.response = metricsResponse(e.trigger.MetricName, ev.decision)
	}
	return ev
}

// active reports whether the workload should run; known is false where nobody can tell. What is known may be
// enough for true although there is no value.
func (ev *evaluation) active() (active, known bool) {
	return ev.decision.Active, ev.err == nil || ev.decision.Active
}

// fresh says whether the evaluation is still the answer for the snapshots.
func (ev *evaluation) fresh(snapshots []*collector.Snapshot, now time.Time) bool {
	return ev != nil && slices.Equal(ev.snapshots, snapshots) && now.Before(ev.validUntil)
}

// current returns the decision for the reading, made again only if there is need.
func (s *Server) current(e *entry, r reading) *evaluation {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.turnTo(r.cluster)
	return s.currentLocked(e, r.snapshots, time.Now())
}

// turnTo forgets what was decided about another cluster. The caller holds mu.
func (e *entry) turnTo(cluster Snapshots) {
	if e.cluster != cluster {
		e.cluster, e.last, e.pinned, e.memory = cluster, nil, nil, nil
	}
}

func (s *Server) currentLocked(e *entry, snapshots []*collector.Snapshot, now time.Time) *evaluation {
	if e.last.fresh(snapshots, now) {
		return e.last
	}
	// Nearly all that a decision allocates is a report that nobody looks at afterwards, except for its errors.
	room, _ := s.rooms.Get().(*[]lag.Partition)
	if room == nil {
		room = new([]lag.Partition)
	}
	reports, _ := e.reportsInto(*room, snapshots, e.memory, now)
	ev := e.decide(snapshots, reports, now)
	if parts := reports[0].Partitions; ev.err == nil && len(parts) <= maxRoom {
		*room = parts
		s.rooms.Put(room)
	}
	return ev
}

// decide makes the decision that is the present one from now on. The caller holds mu.
func (e *entry) decide(snapshots []*collector.Snapshot, reports []lag.Report, now time.Time) *evaluation {
	e.last = e.evaluate(snapshots, reports, now)
	if active, known := e.last.active(); known {
		e.wasActive.Store(active)
	}
	e.series.decided(e.last.decision, now)
	return e.last
}

// measure is GetMetrics' part of a KEDA evaluation: it pins the decision for the
// IsActive that follows, and is the only one to advance the memory of KEDA's
// persistent lag.
func (s *Server) measure(e *entry, r reading) *evaluation {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.turnTo(r.cluster)
	if e.stateful() {
		var reports []lag.Report
		reports, e.memory = e.reports(r.snapshots, e.memory, now)
		e.decide(r.snapshots, reports, now)
	}
	ev := s.currentLocked(e, r.snapshots, now)
	if ev.err == nil {
		e.pinned, e.pinnedUntil = ev, now.Add(pinFor)
	}
	return ev
}

// takePinned returns, once, the decision about the cluster that GetMetrics pinned.
func (e *entry) takePinned(cluster Snapshots) *evaluation {
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
func (e *entry) forgetDecision(now time.Time) {
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
func (e *entry) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.memory = nil
}

// read asks the trigger's cluster about each of its consumer groups.
func (s *Server) read(ctx context.Context, e *entry) (reading, error) {
	cluster, err := s.clusters.Resolve(e.namespace, e.trigger.Connection)
	if err != nil {
		return reading{}, err
	}
	return s.readFrom(ctx, cluster, e)
}

func (s *Server) readFrom(ctx context.Context, cluster Snapshots, e *entry) (reading, error) {
	return s.readBy(ctx, cluster, e, Snapshots.Snapshot)
}

// peek is read for once: what nobody else asks about is not kept fresh.
func (s *Server) peek(ctx context.Context, e *entry) (reading, error) {
	cluster, err := s.clusters.Resolve(e.namespace, e.trigger.Connection)
	if err != nil {
		return reading{}, err
	}
	return s.readBy(ctx, cluster, e, Snapshots.Peek)
}

func (s *Server) readBy(ctx context.Context, cluster Snapshots, e *entry, take snapshotFunc) (reading, error) {
	if len(e.queries) > 1 {
		snapshots, err := s.snapshotsOf(ctx, cluster, e.queries, take)
		return reading{cluster, snapshots}, err
	}
	snapshot, err := take(cluster, ctx, e.queries[0])
	if err != nil {
		return reading{}, err
	}
	return reading{cluster, e.alone(snapshot)}, nil
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
