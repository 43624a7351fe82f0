package policies

import (
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
)

// CPU is an HPA on CPU: so much of each pod. It is shown a perfect signal, in which waiting takes no CPU and
// work takes all of it. Pods that are not ready count as idle, which is what the HPA does before it adds some.
func CPU(share float64) simulation.Contender {
	return damped(fmt.Sprintf("HPA on CPU %.0f %%", 100*share), cpu(share))
}

type cpu float64

// Observe implements [simulation.Policy].
func (cpu) Observe(*simulation.View) {}

// Metric implements [simulation.Policy].
func (c cpu) Metric(v *simulation.View) (value, target float64, known bool) {
	return v.CPU, float64(c), true
}

// Rate asks for the arrivals of the last minute over what a replica takes at the given share of its capacity.
func Rate(serviceRate, share float64) simulation.Contender {
	return damped(fmt.Sprintf("rate / %.0f %%", 100*share), &rate{each: serviceRate * share, measure: measure{over: time.Minute}})
}

type rate struct {
	each float64
	measure
}

// Observe implements [simulation.Policy].
func (r *rate) Observe(v *simulation.View) { r.observe(v) }

// Metric implements [simulation.Policy].
func (r *rate) Metric(*simulation.View) (value, target float64, known bool) {
	return r.rate(), r.each, true
}

// LadderRate asks for the smallest of the sizes ceil(P/k) that takes the arrivals of the last minute at the
// given share of its capacity, and drains the lag within the objective besides. It stands for the best that a
// rule without a model can do: nobody has published it.
func LadderRate(serviceRate, share float64, objective time.Duration) simulation.Contender {
	return damped(fmt.Sprintf("rate / %.0f %% on the ladder", 100*share), &ladderRate{
		each: serviceRate * share, objective: objective.Seconds(), measure: measure{over: time.Minute},
	})
}

type ladderRate struct {
	each, objective float64
	measure
}

// Observe implements [simulation.Policy].
func (r *ladderRate) Observe(v *simulation.View) { r.observe(v) }

// Metric implements [simulation.Policy].
func (r *ladderRate) Metric(v *simulation.View) (value, target float64, known bool) {
	need := (r.rate() + float64(v.Lag())/r.objective) / r.each
	return rung(len(v.LogEnd), need), 1, true
}

// CatchUp is the formula in the scripts of Federator.ai's test kit: the rate at which the log grows and a
// fifth of the lag, each minute, over what a replica takes a minute.
func CatchUp(serviceRate float64) simulation.Contender {
	return direct("Federator.ai's scripts", &catchUp{each: serviceRate, measure: measure{over: time.Minute}})
}

type catchUp struct {
	each    float64
	decided time.Duration
	answer  float64
	measure
}

// Observe implements [simulation.Policy].
func (c *catchUp) Observe(v *simulation.View) { c.observe(v) }

// Metric implements [simulation.Policy].
func (c *catchUp) Metric(v *simulation.View) (value, target float64, known bool) {
	const period, window = time.Minute, 5 * time.Minute
	if c.answer == 0 || v.At-c.decided >= period {
		c.decided = v.At
		c.answer = max(1, (c.rate()+float64(v.Lag())/window.Seconds())/c.each)
	}
	return c.answer, 1, true
}

// Static asks for the same number of replicas all the time.
func Static(name string, replicas int64) simulation.Contender {
	return direct(fmt.Sprintf("%s: %d", name, replicas), static(replicas))
}

type static int64

// Observe implements [simulation.Policy].
func (static) Observe(*simulation.View) {}

// Metric implements [simulation.Policy].
func (s static) Metric(*simulation.View) (value, target float64, known bool) {
	return float64(s), 1, true
}
