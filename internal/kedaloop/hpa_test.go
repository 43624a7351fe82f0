package kedaloop_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
)

// Whatever the metric does, an HPA stays within its bounds, never more than doubles (or goes to 4) at
// one sync, goes up only when the metric or a recent one asks for it, and comes to rest where the metric is.
func TestHPAStaysInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := kedaloop.DefaultSpec()
		spec.MinReplicas = rapid.Int64Range(0, 5).Draw(t, "min")
		spec.MaxReplicas = rapid.Int64Range(max(1, spec.MinReplicas), 50).Draw(t, "max")
		if rapid.Bool().Draw(t, "behavior") {
			b := kedaloop.DefaultBehavior()
			spec.Behavior = &b
		}
		h := kedaloop.NewHPA(spec)
		current := rapid.Int64Range(max(1, spec.MinReplicas), spec.MaxReplicas).Draw(t, "start")
		now, highest := time.Unix(0, 0), current
		sync := func(value int64) {
			m := h.Sync(now, current, float64(value), 10)
			highest = max(highest, (value+9)/10, spec.MinReplicas)
			switch {
			case m.Reason == "":
				t.Fatal("no reason")
			case m.To < max(1, spec.MinReplicas) || m.To > spec.MaxReplicas:
				t.Fatalf("%+v is out of bounds", m)
			case m.To > max(2*current, current+4):
				t.Fatalf("%+v is too fast", m)
			case m.To > highest:
				t.Fatalf("%+v: nothing asked for more than %d", m, highest)
			}
			current = m.To
			now = now.Add(15 * time.Second)
		}
		for range rapid.IntRange(1, 20).Draw(t, "syncs") {
			sync(rapid.Int64Range(0, 1000).Draw(t, "value"))
		}
		const steady = 200
		for range 40 {
			sync(steady)
		}
		if want := min(spec.MaxReplicas, steady/10); current < want*9/10 || current > max(want*11/10+1, spec.MinReplicas) {
			t.Fatalf("rests at %d, want about %d", current, want)
		}
	})
}
