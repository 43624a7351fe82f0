package lag_test

import (
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func tenPartitions() []lag.Offsets {
	offsets := make([]lag.Offsets, 10)
	for i := range offsets {
		offsets[i] = lag.Offsets{
			TopicPartition: lag.TopicPartition{Topic: "orders", Partition: int32(i)},
			Committed:      int64(i), LogEnd: 1000, ObservedAt: now, StalledSince: now,
		}
	}
	return offsets
}

// Compute runs once per trigger and refresh: 10,000 triggers of 10 partitions a second are
// a design point. The only memory that it takes is the report's.
func BenchmarkCompute(b *testing.B) {
	offsets := tenPartitions()
	rules := lag.Rules{ResetPolicy: lag.Latest, MaxAge: 10 * time.Second}
	b.ReportAllocs()
	for b.Loop() {
		lag.Compute(rules, offsets, now)
	}
}

func BenchmarkComputeKEDA(b *testing.B) {
	offsets := tenPartitions()
	rules := lag.Rules{ResetPolicy: lag.Latest, ExcludePersistent: true, MaxAge: 10 * time.Second}
	_, memory := lag.ComputeKEDA(rules, offsets, nil, now)
	b.ReportAllocs()
	for b.Loop() {
		lag.ComputeKEDA(rules, offsets, memory, now)
	}
}

func TestComputeAllocatesTheReportOnly(t *testing.T) {
	offsets := tenPartitions()
	rules := lag.Rules{ResetPolicy: lag.Latest, MaxAge: 10 * time.Second}
	if n := testing.AllocsPerRun(100, func() { lag.Compute(rules, offsets, now) }); n > 1 {
		t.Errorf("%v allocations, want 1", n)
	}
}
