package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/internal/vectors"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

func TestVectors(t *testing.T) {
	for _, v := range vectors.All() {
		t.Run(v.Name, func(t *testing.T) {
			rules, p := parametersOf(t, v.Flags)
			p.LagThreshold = v.Threshold
			offsets := make([]lag.Offsets, len(v.Lags))
			for i, l := range v.Lags {
				offsets[i] = lag.Offsets{
					TopicPartition: lag.TopicPartition{Topic: "orders", Partition: int32(i)},
					Committed:      1000 - l, LogEnd: 1000, ObservedAt: now,
				}
			}
			checkOutcome(t, "corrected", p.Decide(of(lag.Compute(rules, offsets, now))), v.Corrected)

			p.Compatibility = policy.KEDA
			r, _ := lag.ComputeKEDA(rules, offsets, nil, now)
			checkOutcome(t, "keda", p.Decide(of(r)), v.KEDA)
		})
	}
}

func checkOutcome(t *testing.T, mode string, d policy.Decision, want vectors.Outcome) {
	t.Helper()
	if d.Err != nil {
		t.Fatalf("%s: %v", mode, d.Err)
	}
	got := vectors.Outcome{Value: d.Value, Replicas: d.Replicas(), Active: d.Active}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", mode, diff)
	}
}
