package policies

import (
	"cmp"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
)

// Ezzeddine's factors: how full a replica may be where replicas are added, and how full it would have to be
// where some are taken away.
const (
	packUp   = 0.9
	packDown = 0.4
)

// BinPacking is Ezzeddine's policy: the fewest replicas into which the partitions fit, by what arrives in each
// and by what waits in each, least loaded first. pause is how long a rebalance takes.
func BinPacking(serviceRate float64, objective, pause time.Duration) simulation.Contender {
	return direct("bin packing (Ezzeddine)", &binPacking{
		each: serviceRate, objective: objective.Seconds(), pause: pause.Seconds(), measure: measure{over: 30 * time.Second},
	})
}

type binPacking struct {
	each, objective, pause float64
	measure
}

// item is a partition, with what arrives a second and what waits.
type item struct{ rate, lag float64 }

// Observe implements [simulation.Policy].
func (b *binPacking) Observe(v *simulation.View) { b.observe(v) }

// Metric implements [simulation.Policy].
func (b *binPacking) Metric(v *simulation.View) (value, target float64, known bool) {
	items := make([]item, len(v.LogEnd))
	for p := range items {
		items[p] = item{rate: b.partitionRate(p), lag: float64(v.LogEnd[p] - v.Committed[p])}
	}
	if up := b.pack(items, packUp); int64(up) > v.Replicas {
		for i := range items {
			items[i].lag += items[i].rate * b.pause
		}
		return float64(b.pack(items, packUp)), 1, true
	}
	if down := b.pack(items, packDown); int64(down) < v.Replicas {
		return float64(down), 1, true
	}
	return float64(v.Replicas), 1, true
}

// pack returns into how many replicas the partitions fit, at the given share of their capacity.
func (b *binPacking) pack(items []item, share float64) int {
	most := item{rate: b.each * share, lag: b.each * b.objective * share}
	cut := make([]item, len(items))
	for i, it := range items {
		cut[i] = item{rate: min(it.rate, most.rate), lag: min(it.lag, most.lag)}
	}
	slices.SortFunc(cut, func(a, b item) int { return cmp.Or(cmp.Compare(b.rate, a.rate), cmp.Compare(b.lag, a.lag)) })
	for n := 1; n < len(cut); n++ {
		if fits(cut, most, n) {
			return n
		}
	}
	return len(cut)
}

func fits(items []item, most item, n int) bool {
	bins := make([]item, n)
	for _, it := range items {
		least := -1
		for i, b := range bins {
			if b.rate+it.rate <= most.rate && b.lag+it.lag <= most.lag && (least < 0 || b.rate < bins[least].rate) {
				least = i
			}
		}
		if least < 0 {
			return false
		}
		bins[least].rate += it.rate
		bins[least].lag += it.lag
	}
	return true
}
