package explanation

import (
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// ForMetricType makes the explanation's outcomes those of the trigger's metricType. A scaler is not told of it, and
// explains KEDA's default, AverageValue.
func ForMetricType(e *kafkascalerv1.Explanation, metricType string) {
	d := e.GetDecision()
	if metricType != "Value" || d == nil || e.GetError() != "" {
		return
	}
	e.Horizontal = nil
	h := policy.Horizontal{Tolerance: policy.DefaultTolerance, ByValue: true}
	for _, o := range h.Outcomes(policy.Decision{Value: d.GetValue(), Target: d.GetTarget()}) {
		e.Horizontal = append(e.Horizontal, &kafkascalerv1.HorizontalOutcome{CurrentReplicas: o.Current, DesiredReplicas: o.Desired, Reason: o.Reason})
	}
}
