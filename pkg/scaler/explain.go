package scaler

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
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
		showPartitions(x, e.Trigger(), reports, &room)
		response.Explanations = append(response.Explanations, x)
	}
	return response, nil
}

// explained returns the triggers that a request is about, without adding any to the registry.
func (s *Server) explained(req *kafkascalerv1.ExplainRequest) ([]*scaledobject.Entry, error) {
	if len(req.GetScalerMetadata()) > 0 {
		e := s.registry.Look(scaledobject.Ref{Namespace: req.GetNamespace(), Name: req.GetName(), Metadata: req.GetScalerMetadata()})
		return []*scaledobject.Entry{e}, e.Err()
	}
	entries := s.registry.Of(req.GetNamespace(), req.GetName())
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
func (s *Server) explain(ctx context.Context, e *scaledobject.Entry) (*kafkascalerv1.Explanation, []lag.Report) {
	x := &kafkascalerv1.Explanation{Name: e.Name(), Namespace: e.Namespace(), AskedAt: timestamp(e.AskedAt())}
	if err := e.Err(); err != nil {
		setError(x, err)
		return x, nil
	}
	x.Cluster = s.evaluator.ClusterName(e)
	x.ConsumerGroup = e.Trigger().Selection.ConsumerGroup
	x.MetricName = e.Trigger().MetricName
	preview, err := s.evaluator.Preview(ctx, e)
	if err != nil {
		setError(x, err)
		return x, nil
	}
	show(x, e.Trigger(), preview)
	return x, preview.Reports
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

// show puts a preview into the answer.
func show(x *kafkascalerv1.Explanation, t *trigger.Trigger, p *scaledobject.Preview) {
	for i := range p.Reports {
		showGroup(x, t, &p.Reports[i])
	}
	if at := oldestRead(p.Reports); !at.IsZero() {
		x.ObservedAt = timestamp(at)
		x.SnapshotAge = durationpb.New(p.Now.Sub(at))
	}
	x.Latency = latencyMessage(t, p.Evaluation)
	if err := p.Decision.Err; err != nil {
		setError(x, err)
		for _, step := range p.Decision.Steps {
			x.KnownActivation = stepMessage(step) // the only one there may be
		}
		return
	}
	x.Decision = decisionMessage(p.Decision)
	for _, o := range (policy.Horizontal{Tolerance: policy.DefaultTolerance}).Outcomes(p.Decision) {
		x.Horizontal = append(x.Horizontal, &kafkascalerv1.HorizontalOutcome{
			CurrentReplicas: o.Current, DesiredReplicas: o.Desired, Reason: o.Reason,
		})
	}
}

// showGroup adds one consumer group to the answer.
func showGroup(x *kafkascalerv1.Explanation, t *trigger.Trigger, r *lag.Report) {
	group := groupMessage(r, t.Lag.Ages)
	group.Note = t.Lag.Note(r)
	x.ConsumerGroups = append(x.ConsumerGroups, group)
	x.TotalLag = lag.Add(x.GetTotalLag(), r.Total)
	x.ActivationLag = lag.Add(x.GetActivationLag(), r.Activation)
	x.Lost = lag.Add(x.GetLost(), r.Lost)
}

// showPartitions adds the partitions to the answer, as many as there is room for.
func showPartitions(x *kafkascalerv1.Explanation, t *trigger.Trigger, reports []lag.Report, room *int) {
	for _, r := range reports {
		group := strings.ToValidUTF8(r.Group.Name, "\uFFFD")
		for i := range r.Partitions {
			m := partitionMessage(&r.Partitions[i], t.Lag.Ages)
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
