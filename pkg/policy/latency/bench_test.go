package latency_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// busy returns a planner that has seen an hour of so many partitions, all busy, and what it sees next.
func busy(partitions int) (p *latency.Planner, next func()) {
	p = latency.New(latency.Config{TargetLatency: 30 * time.Second})
	o := latency.Observation{At: start, State: latency.Stable, Members: partitions / 4, Partitions: make([]latency.Partition, partitions)}
	second := int64(0)
	next = func() {
		second += 15
		o.At = start.Add(time.Duration(second) * time.Second)
		for i := range o.Partitions {
			o.Partitions[i] = latency.Partition{
				ID: int32(i), Owner: int32(i % o.Members),
				LogEnd: second * int64(10+i%5), Committed: max(0, second-12) * int64(10+i%5),
			}
		}
		p.Observe(o)
	}
	for range 240 {
		next()
	}
	return p, next
}

// One decision for 1,000 partitions.
func BenchmarkDecision(b *testing.B) {
	_, next := busy(1000)
	b.ReportAllocs()
	for b.Loop() {
		next()
	}
}

// What a planner keeps, beyond 64 bytes a partition.
func BenchmarkMemory(b *testing.B) {
	const planners, partitions = 20, 100
	for b.Loop() {
		var before, after runtime.MemStats
		kept := make([]*latency.Planner, planners)
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range kept {
			kept[i], _ = busy(partitions)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		each := float64(after.HeapAlloc-before.HeapAlloc) / planners
		b.ReportMetric(each, "B/planner")
		b.ReportMetric(each-64*partitions, "B/planner-besides-partitions")
		runtime.KeepAlive(kept)
	}
}
