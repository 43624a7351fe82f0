package scaler

import (
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// latencyMessage converts what the planner of targetLatency decided; nil where there is none.
func latencyMessage(t *trigger.Trigger, ev *scaledobject.Evaluation) *kafkascalerv1.LatencyDecision {
	d := ev.Latency
	if d == nil {
		return nil
	}
	m := &kafkascalerv1.LatencyDecision{
		DecidedAt: timestamp(d.At), Replicas: int64(d.Replicas), Current: int64(d.Current),
		Advice: !t.ScalesByLatency(), Limit: string(d.Limit), Quantile: d.Quantile,
		ServiceRate: d.Service.PerSecond, ServiceRateSource: string(d.Service.Source),
		StartupDelay: durationpb.New(d.Startup.Duration), StartupDelaySource: string(d.Startup.Source),
		RebalancePause: durationpb.New(d.Pause.Duration), RebalancePauseSource: string(d.Pause.Source),
		CommitDelay: durationpb.New(d.CommitDelay), Age: durationpb.New(d.Latency), InTime: d.InTime,
	}
	if ev.LatencyErr != nil {
		m.Error = messageOf(ev.LatencyErr)
	}
	for _, s := range d.Steps {
		m.Steps = append(m.Steps, &kafkascalerv1.Step{Rule: string(s.Rule), Before: int64(s.Before), After: int64(s.After), Reason: s.Reason})
	}
	for _, f := range d.Forecast {
		m.Forecasts = append(m.Forecasts, &kafkascalerv1.ArrivalForecast{Ahead: durationpb.New(f.Ahead), Expected: f.Expected, High: f.High})
	}
	for _, s := range d.Sizes {
		m.Sizes = append(m.Sizes, &kafkascalerv1.ReplicaSize{
			Replicas: int64(s.Replicas), Worst: durationpb.New(s.Worst), InTime: s.InTime,
			ReplicaHours: s.ReplicaHours, Lasts: durationpb.New(s.Lasts), Why: s.Why,
		})
	}
	return m
}
