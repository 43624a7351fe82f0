package scaler

import (
	"context"
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
)

// evaluation is one decision and all it was made from. It is never changed.
type evaluation struct {
	snapshot *collector.Snapshot
	report   lag.Report
	decision policy.Decision
	// err is why there is no value.
	err error
	// response is GetMetrics' answer; nil where err is set.
	response *pb.GetMetricsResponse
	// validUntil is when the decision has to be made anew although the snapshot is the same.
	validUntil time.Time
}

// evaluate decides from a snapshot. memory is read and its successor returned
// only in KEDA compatibility.
func (e *entry) evaluate(snapshot *collector.Snapshot, memory lag.Memory, now time.Time) (*evaluation, lag.Memory) {
	ev := &evaluation{snapshot: snapshot, validUntil: now.Add(keepFor)}
	if e.trigger.Policy.Compatibility == policy.KEDA {
		ev.report, memory = lag.ComputeKEDA(e.trigger.Lag, snapshot.Offsets, memory, now)
	} else {
		ev.report = lag.Compute(e.trigger.Lag, snapshot.Offsets, now)
	}
	if ages := ev.report.ObservedAt.Add(e.trigger.Lag.MaxAge); ages.After(now) && ages.Before(ev.validUntil) {
		ev.validUntil = ages
	}
	ev.decision = e.trigger.Policy.Decide(ev.report)
	// What is wrong with the query as a whole comes first: the partitions that it left out are not in the report.
	if snapshot.Err != nil {
		ev.decision.Err = snapshot.Err
	}
	ev.err = ev.decision.Err
	if ev.err == nil {
		ev.response = metricsResponse(e.trigger.MetricName, ev.decision)
	}
	return ev, memory
}

// fresh says whether the evaluation is still the answer for the snapshot.
func (ev *evaluation) fresh(snapshot *collector.Snapshot, now time.Time) bool {
	return ev != nil && ev.snapshot == snapshot && now.Before(ev.validUntil)
}

// current returns the decision for the snapshot, made anew only if there is need.
func (s *Server) current(e *entry, snapshot *collector.Snapshot) *evaluation {
	e.mu.Lock()
	defer e.mu.Unlock()
	return s.currentLocked(e, snapshot, time.Now())
}

func (s *Server) currentLocked(e *entry, snapshot *collector.Snapshot, now time.Time) *evaluation {
	if e.last.fresh(snapshot, now) {
		return e.last
	}
	e.last, _ = e.evaluate(snapshot, e.memory, now)
	s.observer.Decided(e.namespace, e.name, e.trigger.MetricName, e.last.decision)
	return e.last
}

// measure is GetMetrics' part of a KEDA evaluation: it pins the decision for the
// IsActive that follows, and is the only one to advance the memory of KEDA's
// persistent lag.
func (s *Server) measure(e *entry, snapshot *collector.Snapshot) *evaluation {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stateful() {
		e.last, e.memory = e.evaluate(snapshot, e.memory, now)
		s.observer.Decided(e.namespace, e.name, e.trigger.MetricName, e.last.decision)
	}
	ev := s.currentLocked(e, snapshot, now)
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

// forget drops the memory of KEDA's persistent lag: KEDA throws a scaler away on any error.
func (e *entry) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.memory = nil
}

// snapshot asks the trigger's cluster.
func (s *Server) snapshot(ctx context.Context, e *entry) (*collector.Snapshot, error) {
	snapshots, err := s.clusters.Resolve(e.trigger.Connection)
	if err != nil {
		return nil, err
	}
	return snapshots.Snapshot(ctx, e.query)
}

func metricsResponse(metric string, d policy.Decision) *pb.GetMetricsResponse {
	return &pb.GetMetricsResponse{MetricValues: []*pb.MetricValue{{
		MetricName:       metric,
		MetricValue:      d.Value,
		MetricValueFloat: float64(d.Value),
	}}}
}
