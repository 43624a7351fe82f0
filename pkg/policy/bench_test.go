package policy_test

import (
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// What one trigger of ten partitions costs at each refresh. Beside the report it is the
// sentences of the steps.
func BenchmarkComputeAndDecide(b *testing.B) {
	offsets := make([]lag.Offsets, 10)
	for i := range offsets {
		offsets[i] = lag.Offsets{
			TopicPartition: lag.TopicPartition{Topic: "orders", Partition: int32(i)},
			Committed:      int64(i), LogEnd: 1000, ObservedAt: now,
		}
	}
	rules := lag.Rules{ResetPolicy: lag.Latest, MaxAge: 10 * time.Second}
	p := policy.Policy{LagThreshold: 10}
	b.ReportAllocs()
	for b.Loop() {
		p.Decide(of(lag.Compute(rules, offsets, now)))
	}
}

func BenchmarkDecideEven(b *testing.B) {
	r := reportOf(make([]int64, 5040)...)
	r.Total = 12345
	p := policy.Policy{LagThreshold: 10, EvenDistribution: policy.ExactDistribution}
	b.ReportAllocs()
	for b.Loop() {
		p.Decide(of(r))
	}
}
