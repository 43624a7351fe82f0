package latency_test

import (
	"math"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// fractions is the HPA with a target of 1 and a metric in thousandths.
func fractions(value, current int64, tolerance float64) int64 {
	if r := float64(value) / (1000 * float64(current)); 1-tolerance <= r && r <= 1+tolerance {
		return current
	}
	return max(1, int64(math.Ceil(float64(value)/1000)))
}

// For every pair of numbers the HPA lands where the metric says, whichever way it is told; that is on the
// number wanted wherever any metric gets it there, and never below it.
func TestValueLands(t *testing.T) {
	for _, tolerance := range []float64{policy.DefaultTolerance, 0, 0.05, 0.5} {
		h := policy.Horizontal{Tolerance: tolerance}
		for c := 1; c <= 200; c++ {
			reachable := map[int64]bool{}
			for n := range int64(260) {
				for _, more := range []int64{1, 250, 500, 999, 1000} {
					reachable[fractions(n*1000+more, int64(c), tolerance)] = true
				}
			}
			for d := 1; d <= 200; d++ {
				for _, most := range []int{0, 200} {
					m := latency.Value(c, d, most, tolerance)
					whole, _ := h.Desired(m.Value, latency.WholeTarget, int64(c))
					if whole != int64(m.Lands) || fractions(m.Value, int64(c), tolerance) != whole {
						t.Fatalf("tolerance %v, %d -> %d: %+v, but whole numbers give %d and fractions %d",
							tolerance, c, d, m, whole, fractions(m.Value, int64(c), tolerance))
					}
					switch {
					case m.Lands == d:
					case reachable[int64(d)]:
						t.Fatalf("tolerance %v, %d -> %d: %+v, but it can be reached", tolerance, c, d, m)
					case m.Lands < d && (most == 0 || m.Lands != c):
						t.Fatalf("tolerance %v, %d -> %d: %+v is below", tolerance, c, d, m)
					}
				}
			}
		}
	}
}

// Without a tolerance every number is reached, and with the usual one all sizes of up to 54 partitions are.
func TestValueReachesSizes(t *testing.T) {
	for c := 1; c <= 200; c++ {
		for d := 1; d <= 200; d++ {
			if m := latency.Value(c, d, 0, 0); m.Lands != d {
				t.Fatalf("%d -> %d: %+v", c, d, m)
			}
		}
	}
	for partitions := 1; partitions <= 54; partitions++ {
		for c := 1; c <= partitions; c++ {
			for d := 1; d <= partitions; d++ {
				size := func(n int) bool {
					return n == 1 || (partitions+n-1)/n < (partitions+n-2)/(n-1)
				}
				if m := latency.Value(c, d, partitions, policy.DefaultTolerance); size(c) && size(d) && m.Lands != d {
					t.Errorf("%d partitions, %d -> %d: %+v", partitions, c, d, m)
				}
			}
		}
	}
}

func TestValueWithoutCurrent(t *testing.T) {
	if m := latency.Value(0, 7, 0, 0.1); m.Value != 7000 || m.Lands != 7 {
		t.Errorf("%+v", m)
	}
	if m := latency.Value(3, 0, 0, 0.1); m.Lands != 1 {
		t.Errorf("%+v: an HPA has one replica at least", m)
	}
}
