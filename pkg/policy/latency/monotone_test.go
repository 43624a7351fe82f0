package latency

import (
	"testing"

	"pgregory.net/rapid"
)

// TestMoreArrivalsNeverFewerReplicas: on the same past, with the same members, more on every step of the path
// never makes the planner choose a smaller size.
func TestMoreArrivalsNeverFewerReplicas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.IntRange(2, 60).Draw(t, "partitions")
		sizes := newLadder(partitions, 1)
		wanted := rapid.SampledFrom(sizes).Draw(t, "wanted")
		levels := rapid.SliceOfN(rapid.Float64Range(0.05, 1.2), 6, 6).Draw(t, "levels")
		more := rapid.Float64Range(1, 1.5).Draw(t, "more")
		age := rapid.Float64Range(0, 90).Draw(t, "age")
		startup, pause := rapid.Float64Range(0, 90).Draw(t, "startup"), rapid.Float64Range(0, 30).Draw(t, "pause")
		choose := func(factor float64) int {
			var past lastHour
			for i := range past.rates {
				past.rates[i] = 10 * float64(partitions) * levels[0]
			}
			high := &future{past: &past}
			for i := range high.rates {
				high.rates[i] = factor * 20 * float64(partitions) * levels[i*len(levels)/len(high.rates)]
			}
			s := &scene{block: 0.5, total: load{rate: float64(partitions)}}
			for range partitions {
				s.units = append(s.units, load{rate: 1})
			}
			p := New(Config{TargetLatency: 60e9})
			p.wanted = wanted
			p.flow.state = Stable
			p.lower.n = lowerSteps
			d := &Decision{Replicas: wanted}
			p.pick(&chooser{
				scene: s, turns: &turns{one: 1}, high: high, sizes: sizes, threads: 1, service: 20,
				limit: 54, boldness: 0.9, startup: startup, pauseUp: pause, pauseDown: pause / 3, price: DefaultChangePrice,
				margin: 20, age: age, inexact: 7.5, have: wanted, ordered: wanted,
			}, s, d)
			return d.Replicas
		}
		if few, many := choose(1), choose(more); many < few {
			t.Fatalf("%d replicas, and %d for %.2f times the arrivals", few, many, more)
		}
	})
}
