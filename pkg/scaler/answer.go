package scaler

import (
	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// refOf converts KEDA's reference, which may be nil.
func refOf(ref *pb.ScaledObjectRef) scaledobject.Ref {
	return scaledobject.Ref{Namespace: ref.GetNamespace(), Name: ref.GetName(), Metadata: ref.GetScalerMetadata()}
}

func specResponse(t *trigger.Trigger) *pb.GetMetricSpecResponse {
	return &pb.GetMetricSpecResponse{MetricSpecs: []*pb.MetricSpec{{
		MetricName:      t.MetricName,
		TargetSize:      t.Policy.Target(),
		TargetSizeFloat: float64(t.Policy.Target()),
	}}}
}

// metricsResponse answers under the name that was asked for, or the metric's own where none was.
func metricsResponse(own, asked string, ev *scaledobject.Evaluation) *pb.GetMetricsResponse {
	if asked == "" {
		asked = own
	}
	// Nearly all calls ask for one and the same name, so that answer is kept.
	kept, _ := ev.Answer(func(ev *scaledobject.Evaluation) any { return valueResponse(asked, ev.Decision) }).(*pb.GetMetricsResponse)
	if kept.GetMetricValues()[0].GetMetricName() == asked {
		return kept
	}
	return valueResponse(asked, ev.Decision)
}

func valueResponse(metric string, d policy.Decision) *pb.GetMetricsResponse {
	return &pb.GetMetricsResponse{MetricValues: []*pb.MetricValue{{
		MetricName:       metric,
		MetricValue:      d.Value,
		MetricValueFloat: float64(d.Value),
	}}}
}
