package policies

import (
	"math"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
)

// Druid is the cost function of Apache Druid's costBased autoscaler in its linear form, with the weights and the
// period that its documentation had in July 2026: every two minutes the size with the least of 0.4 x the seconds
// that the lag takes to drain, and 0.6 x the seconds that all tasks would be idle in an hour, their duration. It
// adds tasks at once, and takes some away when tasks roll over. Its versions since then weigh idleness and lag
// by curves, and have a critical lag; these are not restated here.
func Druid(serviceRate float64) simulation.Contender {
	return direct("Druid's linear cost function", &druid{each: serviceRate, decided: math.MinInt64 / 2, rolled: 0})
}

const (
	druidLagWeight    = 0.4
	druidIdleWeight   = 0.6
	druidPeriod       = 2 * time.Minute
	druidTaskDuration = time.Hour
)

type druid struct {
	each            float64
	decided, rolled time.Duration
	answer          float64
}

// Observe implements [simulation.Policy].
func (*druid) Observe(*simulation.View) {}

// Metric implements [simulation.Policy].
func (d *druid) Metric(v *simulation.View) (value, target float64, known bool) {
	current := float64(v.Replicas)
	if v.At-d.decided < druidPeriod {
		return d.answer, 1, true
	}
	d.decided = v.At
	rollOver := v.At-d.rolled >= druidTaskDuration
	if rollOver {
		d.rolled = v.At
	}
	d.answer = current
	least := d.cost(v, current)
	for most := 1; most <= len(v.LogEnd); most++ {
		n := math.Ceil(float64(len(v.LogEnd)) / float64(most))
		if n < current && !rollOver {
			break
		}
		if cost := d.cost(v, n); cost < least {
			d.answer, least = n, cost
		}
	}
	return d.answer, 1, true
}

func (d *druid) cost(v *simulation.View, n float64) float64 {
	drain := float64(v.Lag()) / (n * d.each)
	idle := max(0, 1-v.CPU/n)
	return druidLagWeight*drain + druidIdleWeight*n*druidTaskDuration.Seconds()*idle
}
