package scaler

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

func decisionMessage(d policy.Decision) *kafkascalerv1.Decision {
	m := &kafkascalerv1.Decision{
		Value:       d.Value,
		Target:      d.Target,
		Active:      d.Active,
		Replicas:    d.Replicas(),
		MaxReplicas: d.MaxReplicas,
		Limit:       string(d.Limit),
		Unit:        string(d.Unit),
	}
	for _, step := range d.Steps {
		m.Steps = append(m.Steps, stepMessage(step))
	}
	return m
}

func stepMessage(step policy.Step) *kafkascalerv1.Step {
	return &kafkascalerv1.Step{
		Rule: string(step.Rule), Before: step.Before, After: step.After, Reason: step.Reason, ConsumerGroup: step.Group,
	}
}

// groupMessage converts what is known of a group. ages says that the trigger asks for its age.
func groupMessage(r *lag.Report, ages bool) *kafkascalerv1.ConsumerGroup {
	m := &kafkascalerv1.ConsumerGroup{
		Name:          strings.ToValidUTF8(r.Group.Name, "\uFFFD"),
		Kind:          r.Group.Kind.String(),
		State:         r.Group.State,
		Members:       int32(min(r.Group.Members, 1<<31-1)), //nolint:gosec // bounded
		TotalLag:      r.Total,
		ActivationLag: r.Activation,
		Lost:          r.Lost,
	}
	if r.Group.Kind == lag.KindUnknown {
		m.Members = -1
	}
	if r.Group.Err != nil {
		m.Error = messageOf(r.Group.Err)
	}
	if ages && r.AgeErr == nil {
		m.Age = durationpb.New(r.Age)
	}
	return m
}

// partitionMessage converts a partition. ages says that the trigger asks for its age.
func partitionMessage(p *lag.Partition, ages bool) *kafkascalerv1.Partition {
	m := &kafkascalerv1.Partition{
		Topic:           strings.ToValidUTF8(p.Topic, "\uFFFD"),
		Partition:       p.Partition,
		CommittedOffset: p.Committed,
		LogStartOffset:  p.LogStart,
		LogEndOffset:    p.LogEnd,
		Lag:             p.Lag,
		ActivationLag:   p.ActivationLag,
		Lost:            p.Lost,
		Reason:          string(p.Reason),
		ObservedAt:      timestamp(p.ObservedAt),
		Excluded:        p.Excluded,
	}
	switch {
	case p.AgeErr != nil:
		m.AgeError = messageOf(p.AgeErr)
	case ages:
		m.Age = durationpb.New(p.Age)
	}
	if in := p.Inspected; in != nil {
		m.Inspected = in.Err == nil && in.Committed == p.Committed && in.LogEnd == p.LogEnd
		if in.Err != nil {
			m.InspectionError = messageOf(in.Err)
		}
	}
	switch {
	case p.Err != nil:
		m.Error = messageOf(p.Err)
	case p.Offsets.Err != nil:
		m.Error = messageOf(p.Offsets.Err)
	}
	return m
}

// timestamp leaves the zero time, which is never, unset.
func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
