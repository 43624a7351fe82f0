package scaler

import (
	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
)

// refOf converts KEDA's reference, which may be nil.
func refOf(ref *pb.ScaledObjectRef) scaledobject.Ref {
	return scaledobject.Ref{Namespace: ref.GetNamespace(), Name: ref.GetName(), Metadata: ref.GetScalerMetadata()}
}

func specResponse(e *scaledobject.Entry) *pb.GetMetricSpecResponse {
	return &pb.GetMetricSpecResponse{MetricSpecs: []*pb.MetricSpec{{
		MetricName:      e.Trigger().MetricName,
		TargetSize:      e.Target(),
		TargetSizeFloat: asFloat(e.Target(), e.Unit()),
	}}}
}

// asFloat is a number of the metric for KEDA 2.17 and later, which prefer floats: there a target of replicas is 1, and
// to those before, which read whole numbers only, it is a thousand of thousandths.
func asFloat(n int64, unit policy.Unit) float64 {
	if unit == policy.Millireplicas {
		return float64(n) / latency.WholeTarget
	}
	return float64(n)
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
		MetricValueFloat: asFloat(d.Value, d.Unit),
	}}}
}
