package scaler

import (
	"math"
	"testing"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
)

// FuzzMetadata: whatever metadata says, the answer is an answer or an error.
func FuzzMetadata(f *testing.F) {
	f.Add("lagThreshold", "10", "topic", "orders", "s0-kafka-orders")
	f.Add("partitionLimitation", "1-9999999999", "topicRegex", "(", "")
	f.Add("bootstrapServersFromEnv", "[::1]:9092,", "lagThreshold", "9223372036854775807", "s-")
	f.Add("compatibility", "keda", "excludePersistentLag", "true", "s1-")
	f.Add("\x00", "\xff", "maxSnapshotAge", "1ns", "-")
	kafka := newFakeKafka()
	kafka.lags(5, math.MaxInt64-1000)
	s := newTestServer(f, Options{Clusters: kafka})
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2, metric string) {
		object := ref("worker", key1, value1, key2, value2)
		spec, specErr := s.GetMetricSpec(t.Context(), object)
		if specErr == nil && (len(spec.GetMetricSpecs()) != 1 || kedaTarget(spec.GetMetricSpecs()[0]) <= 0) {
			t.Fatalf("no target for an HPA: %v", spec)
		}
		for _, name := range []string{metric, "kafka-orders"} {
			got, err := s.GetMetrics(t.Context(), &pb.GetMetricsRequest{ScaledObjectRef: object, MetricName: name})
			if err != nil {
				continue
			}
			if specErr != nil {
				t.Fatalf("a value for a trigger that GetMetricSpec refuses: %v", specErr)
			}
			if v := got.GetMetricValues()[0]; kedaValue(v) < 0 || math.IsNaN(v.GetMetricValueFloat()) {
				t.Fatalf("value %v", v)
			}
		}
		_, _ = s.IsActive(t.Context(), object)
	})
}
