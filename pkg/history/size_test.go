package history_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/history"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// big is a report about n partitions, and who has them.
func big(n int, after time.Duration) (*lag.Report, *lag.Membership) {
	parts := make([]lag.Offsets, n)
	has := make([][]int32, 4)
	for i := range parts {
		parts[i] = part(int32(i), int64(after.Seconds())*100, int64(after.Seconds())*100+50)
		has[i%len(has)] = append(has[i%len(has)], int32(i))
	}
	return report(lag.Rules{}, at(after, parts...)...), stable(after, has...)
}

// A history takes 16 bytes a partition, and little besides: with its planner a trigger has 64 and 4 KiB.
func TestSize(t *testing.T) {
	var room []latency.Partition
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for _, partitions := range []int{12, 1000} {
		const triggers = 1000
		r, m := big(partitions, 0)
		room = make([]latency.Partition, partitions)
		before := heap()
		list := make([]*history.History, triggers)
		for i := range list {
			h := &history.History{}
			if _, err := h.Observe(room, r, m); err != nil {
				t.Fatal(err)
			}
			list[i] = h
		}
		each := (heap() - before) / triggers
		t.Logf("%d partitions: %d bytes a trigger", partitions, each)
		if most := int64(256 + 17*partitions); each > most {
			t.Errorf("%d bytes a trigger with %d partitions, and %d are promised", each, partitions, most)
		}
		runtime.KeepAlive(list)
		runtime.KeepAlive(r)
		runtime.KeepAlive(m)
		runtime.KeepAlive(room)
	}
}

func TestObservingAllocatesNothing(t *testing.T) {
	var h history.History
	r, m := big(100, 0)
	o, err := h.Observe(nil, r, m)
	if n := testing.AllocsPerRun(100, func() { o, err = h.Observe(o.Partitions, r, m) }); n != 0 || err != nil {
		t.Errorf("%v allocations: %v", n, err)
	}
}

func BenchmarkObserve(b *testing.B) {
	var h history.History
	var o latency.Observation
	r, m := big(1000, 0)
	for b.Loop() {
		o, _ = h.Observe(o.Partitions, r, m)
	}
}
