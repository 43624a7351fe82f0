package scaler

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

const (
	// maxExplains bounds the explanations that are made at once. Each asks brokers what no memory holds, and
	// only people ask for one.
	maxExplains = 32
	// maxExplained bounds one answer, in bytes, but for a short explanation of each trigger that finds no room: a gRPC
	// client takes 4 MiB unless told otherwise. A partition counts for perPartition more, which is what it takes in
	// memory: so there are some 10,000 of them.
	maxExplained = 3 << 20
	perPartition = 256
)

// Explain returns the decision as KEDA would get it now, with all it is made
// from. It pins nothing, remembers nothing, and tells no observer. A trigger that
// KEDA never asked about is read for this one answer.
func (s *Server) Explain(ctx context.Context, req *kafkascalerv1.ExplainRequest) (*kafkascalerv1.ExplainResponse, error) {
	defer s.explains.Add(-1)
	if s.explains.Add(1) > maxExplains {
		return nil, statusOf(&fault.Error{
			Kind: fault.Exhausted, Op: "explain", Object: fmt.Sprintf("ScaledObject %s/%s", req.GetNamespace(), req.GetName()),
			Err:    fmt.Errorf("%d explanations are being made already", maxExplains),
			Remedy: "ask again in a moment",
		})
	}
	entries, err := s.explained(req)
	if err != nil {
		return nil, statusOf(err)
	}
	response := &kafkascalerv1.ExplainResponse{}
	room := maxExplained
	for _, e := range entries {
		x, reports := s.explain(ctx, e)
		if room -= proto.Size(x); room < 0 {
			x = inShort(x)
		}
		e.showPartitions(x, reports, &room)
		response.Explanations = append(response.Explanations, x)
	}
	return response, nil
}

// explained returns the triggers that a request is about, without adding any to the registry.
func (s *Server) explained(req *kafkascalerv1.ExplainRequest) ([]*entry, error) {
	if len(req.GetScalerMetadata()) > 0 {
		ref := &pb.ScaledObjectRef{Name: req.GetName(), Namespace: req.GetNamespace(), ScalerMetadata: req.GetScalerMetadata()}
		e := s.registry.peek(ref)
		if e == nil {
			e = s.registry.newEntry(ref)
		}
		return []*entry{e}, e.err
	}
	entries := s.registry.of(req.GetNamespace(), req.GetName())
	if len(entries) == 0 {
		return nil, &fault.Error{
			Kind:   fault.NotFound,
			Op:     "explain",
			Object: fmt.Sprintf("ScaledObject %s/%s", req.GetNamespace(), req.GetName()),
			Err:    errors.New("KEDA has not asked this scaler about it lately"),
			Remedy: "check name, namespace and the trigger's scalerAddress, ask each replica of the scaler, or send the trigger's metadata as scaler_metadata",
		}
	}
	return entries, nil
}

// explain explains one trigger, without its partitions, and returns the reports that have them.
func (s *Server) explain(ctx context.Context, e *entry) (*kafkascalerv1.Explanation, []lag.Report) {
	x := &kafkascalerv1.Explanation{Name: e.name, Namespace: e.namespace, AskedAt: timestamp(e.asked())}
	if e.err != nil {
		setError(x, e.err)
		return x, nil
	}
	x.Cluster = s.clusterName(e.namespace, e.trigger.Connection)
	x.ConsumerGroup = e.trigger.Selection.ConsumerGroup
	x.MetricName = e.trigger.MetricName
	read, err := s.peek(ctx, e)
	if err != nil {
		setError(x, err)
		return x, nil
	}
	now := time.Now()
	ev, reports := e.preview(read, now)
	s.viewGroups(ctx, e, reports)
	e.show(x, ev, reports, now)
	return x, reports
}

// inShort is an explanation without what has many parts or long names: the decision and the sums.
func inShort(x *kafkascalerv1.Explanation) *kafkascalerv1.Explanation {
	short := &kafkascalerv1.Explanation{
		Name: x.GetName(), Namespace: x.GetNamespace(), MetricName: x.GetMetricName(), AskedAt: x.GetAskedAt(),
		ObservedAt: x.GetObservedAt(), SnapshotAge: x.GetSnapshotAge(), Error: x.GetError(), ErrorKind: x.GetErrorKind(),
		TotalLag: x.GetTotalLag(), ActivationLag: x.GetActivationLag(), Lost: x.GetLost(),
	}
	if d := x.GetDecision(); d != nil {
		d.Steps = nil
		short.Decision = d
	}
	if known := x.GetKnownActivation(); known != nil {
		known.ConsumerGroup = ""
		short.KnownActivation = known
	}
	return short
}

// groupViewer is a cluster that can tell what a group is.
type groupViewer interface {
	Group(ctx context.Context, name string) lag.Group
}

// viewGroups asks what the groups are. Only an explanation shows it, so nobody else asks.
func (s *Server) viewGroups(ctx context.Context, e *entry, reports []lag.Report) {
	cluster, err := s.clusters.Resolve(e.namespace, e.trigger.Connection)
	viewer, able := cluster.(groupViewer)
	if err != nil || !able {
		return
	}
	for i := range reports {
		reports[i].Group = viewer.Group(ctx, reports[i].Group.Name)
	}
}

// preview returns what the next GetMetrics would answer, with the reports that it
// is made from, and leaves no trace.
func (e *entry) preview(r reading, now time.Time) (*evaluation, []lag.Report) {
	e.mu.Lock()
	last, memory, cluster := e.last, e.memory, e.cluster
	e.mu.Unlock()
	if cluster != r.cluster {
		last, memory = nil, nil
	}
	if !e.stateful() && last.fresh(r.snapshots, now) {
		// The same moment gives the same reports again.
		reports, _ := e.reports(r.snapshots, memory, last.at)
		return last, reports
	}
	reports, _ := e.reports(r.snapshots, memory, now)
	return e.evaluate(r.snapshots, reports, now), reports
}

func (e *entry) asked() time.Time {
	if nanos := e.askedAt.Load(); nanos != 0 {
		return time.Unix(0, nanos)
	}
	return time.Time{}
}

// show puts an evaluation into the answer.
func (e *entry) show(x *kafkascalerv1.Explanation, ev *evaluation, reports []lag.Report, now time.Time) {
	for i := range reports {
		e.showGroup(x, &reports[i])
	}
	if at := oldestRead(reports); !at.IsZero() {
		x.ObservedAt = timestamp(at)
		x.SnapshotAge = durationpb.New(now.Sub(at))
	}
	if ev.err != nil {
		setError(x, ev.err)
		for _, step := range ev.decision.Steps {
			x.KnownActivation = stepMessage(step) // the only one there may be
		}
		return
	}
	x.Decision = decisionMessage(ev.decision)
	for _, o := range (policy.Horizontal{Tolerance: policy.DefaultTolerance}).Outcomes(ev.decision) {
		x.Horizontal = append(x.Horizontal, &kafkascalerv1.HorizontalOutcome{
			CurrentReplicas: o.Current, DesiredReplicas: o.Desired, Reason: o.Reason,
		})
	}
}

// showGroup adds one consumer group to the answer.
func (e *entry) showGroup(x *kafkascalerv1.Explanation, r *lag.Report) {
	group := groupMessage(r, e.trigger.Lag.Ages)
	group.Note = e.trigger.Lag.Note(r)
	x.ConsumerGroups = append(x.ConsumerGroups, group)
	x.TotalLag = lag.Add(x.GetTotalLag(), r.Total)
	x.ActivationLag = lag.Add(x.GetActivationLag(), r.Activation)
	x.Lost = lag.Add(x.GetLost(), r.Lost)
}

// showPartitions adds the partitions to the answer, as many as there is room for.
func (e *entry) showPartitions(x *kafkascalerv1.Explanation, reports []lag.Report, room *int) {
	for _, r := range reports {
		group := strings.ToValidUTF8(r.Group.Name, "\uFFFD")
		for i := range r.Partitions {
			m := partitionMessage(&r.Partitions[i], e.trigger.Lag.Ages)
			m.ConsumerGroup = group
			if *room -= proto.Size(m) + perPartition; *room < 0 {
				x.PartitionsLeftOut += int32(min(len(r.Partitions)-i, math.MaxInt32))
				break
			}
			x.Partitions = append(x.Partitions, m)
		}
	}
}

// oldestRead is when the oldest offset of all reports was read; the zero time where one never was.
func oldestRead(reports []lag.Report) time.Time {
	oldest := reports[0].ObservedAt
	for i := range reports {
		if at := reports[i].ObservedAt; at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}

func setError(x *kafkascalerv1.Explanation, err error) {
	x.Error, x.ErrorKind = messageOf(err), fault.KindOf(err).String()
}

// clusterName is the name of the cluster that is read. A trigger that gives the
// addresses of a configured cluster reads that one, and is to see so.
func (s *Server) clusterName(namespace string, c trigger.Connection) string {
	if snapshots, err := s.clusters.Resolve(namespace, c); err == nil {
		if named, ok := snapshots.(interface{ Name() string }); ok {
			return named.Name()
		}
	}
	if c.Cluster != "" {
		return c.Cluster
	}
	return strings.Join(c.BootstrapServers, ",")
}
