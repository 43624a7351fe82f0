package policies

import (
	"math"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
)

// Damped is the HPA that Kubernetes makes where nothing is said: a tolerance of 10 %, and five minutes before
// it takes replicas away.
func Damped() kedaloop.Spec { return kedaloop.DefaultSpec() }

// Direct is an HPA that does what the metric says at its next sync, for policies that damp themselves.
func Direct() kedaloop.Spec {
	spec := kedaloop.DefaultSpec()
	spec.Behavior = &kedaloop.Behavior{
		ScaleUp: kedaloop.Rules{
			Select:   kedaloop.SelectMax,
			Policies: []kedaloop.Policy{{Pods: 100_000, Period: 15 * time.Second}},
		},
		ScaleDown: kedaloop.Rules{
			Select:   kedaloop.SelectMax,
			Policies: []kedaloop.Policy{{Percent: 100, Period: 15 * time.Second}},
		},
	}
	return spec
}

// damped and direct pair a policy with its HPA.
func damped(name string, p simulation.Policy) simulation.Contender {
	return simulation.Contender{Name: name, Policy: p, HPA: Damped()}
}

func direct(name string, p simulation.Policy) simulation.Contender {
	return simulation.Contender{Name: name, Policy: p, HPA: Direct()}
}

// rung returns the smallest of the sizes ceil(P/k) that is at least n: the fewest replicas with the same
// number of partitions on the busiest. It is P where n is beyond it.
func rung(partitions int, n float64) float64 {
	p := float64(partitions)
	n = math.Max(1, math.Ceil(n))
	if n >= p {
		return p
	}
	busiest := math.Ceil(p / n)
	if size := math.Ceil(p / busiest); size >= n {
		return size
	}
	return math.Ceil(p / (busiest - 1))
}
