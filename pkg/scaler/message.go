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
		Replicas:    ceilDivide(d.Value, d.Target),
		MaxReplicas: d.MaxReplicas,
		Limit:       string(d.Limit),
		Unit:        string(d.Unit),
	}
	for _, step := range d.Steps {
		m.Steps = append(m.Steps, &kafkascalerv1.Step{
			Rule: string(step.Rule), Before: step.Before, After: step.After, Reason: step.Reason,
			ConsumerGroup: step.Group,
		})
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
	if in := p.Inspected; in != nil && in.Err != nil {
		m.InspectionError = messageOf(in.Err)
	}
	switch {
	case p.Err != nil:
		m.Error = messageOf(p.Err)
	case p.Offsets.Err != nil:
		m.Error = messageOf(p.Offsets.Err)
	}
	return m
}

// ceilDivide rounds up; 0 where divisor is 0, which no valid trigger has.
func ceilDivide(n, divisor int64) int64 {
	if divisor <= 0 || n <= 0 {
		return 0
	}
	return (n-1)/divisor + 1
}

// timestamp leaves the zero time, which is never, unset.
func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
