package policies

import (
	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// Latency is targetLatency: the scaler's own planner. past are the arrivals before the run, as the scaler
// reads them from the log by time; [simulation.Epoch] is the start of the run.
func Latency(name string, config latency.Config, past []latency.Arrivals) simulation.Contender {
	p := latency.New(config)
	p.Recall(past...)
	c := direct(name, &planned{planner: p})
	c.HPA.Behavior.ScaleUp.Tolerance = policy.DefaultTolerance
	c.HPA.Behavior.ScaleDown.Tolerance = policy.DefaultTolerance
	return c
}

type planned struct {
	planner     *latency.Planner
	observation latency.Observation
}

// Observe implements [simulation.Policy].
func (p *planned) Observe(v *simulation.View) {
	o := &p.observation
	o.At, o.Members, o.Generation = simulation.Epoch().Add(v.At), v.Members, v.Generation
	o.State = latency.Stable
	switch {
	case v.Members == 0:
		o.State = latency.Empty
	case v.Rebalancing:
		o.State = latency.Rebalancing
	}
	o.Partitions = o.Partitions[:0]
	for i := range v.LogEnd {
		o.Partitions = append(o.Partitions, latency.Partition{
			ID:     int32(i),
			Owner:  int32(v.Owner[i]), //nolint:gosec // members are counted from 0
			LogEnd: v.LogEnd[i], Committed: v.Committed[i],
		})
	}
	p.planner.Observe(*o)
}

// Metric implements [simulation.Policy].
func (p *planned) Metric(v *simulation.View) (value, target float64, known bool) {
	d := p.planner.Decide(simulation.Epoch().Add(v.At))
	m := latency.Value(d.Current, d.Replicas, len(v.LogEnd), policy.DefaultTolerance)
	return float64(m.Value) / latency.WholeTarget, 1, !d.Hold
}
