package policy

import (
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// effective leaves out the parameters that the arithmetic does not look at. This is the one
// place that says which KEDA's `kafka` trigger has.
func (p Policy) effective() Policy {
	if p.Compatibility != KEDA {
		return p
	}
	k := Policy{
		LagThreshold: p.LagThreshold, ActivationLagThreshold: p.ActivationLagThreshold, AllowIdleConsumers: p.AllowIdleConsumers,
		LimitToPartitionsWithLag: p.LimitToPartitionsWithLag, Compatibility: KEDA,
	}
	if p.EvenDistribution == ExactDistribution {
		k.EvenDistribution = ExactDistribution
	}
	return k
}

// applyKEDA runs the rules of KEDA's `kafka` trigger, bugs included: v2.21.0,
// pkg/scalers/kafka_scaler.go, getTotalLag. It is exact wherever KEDA's own products do
// not overflow int64; there KEDA's wrap round, and these stop at the end of the range.
func (p Policy) applyKEDA(d *Decision, r lag.Report) {
	d.Steps = make([]Step, 0, 5)
	d.Value = r.Total
	d.step(RuleTotalLag, r.Total, describe(r))
	if p.capped() {
		p.capKEDA(d, r)
	}
	d.nonNegative()
	d.Limit = d.limit(r.Total)
}

func (p Policy) capKEDA(d *Decision, r lag.Report) {
	partitions := countedByKEDA(r)
	if p.EvenDistribution == ExactDistribution {
		p.distributeEvenlyKEDA(d, partitions)
	}
	c := p.bound(partitions, int64(r.Lagging))
	d.MaxReplicas = c.replicas
	if p.EvenDistribution != ExactDistribution && p.LagThreshold > 1 && c.replicas > 0 {
		d.MaxReplicas++
	}
	quotient := d.Value / p.LagThreshold
	relation, after := "<=", d.Value
	if quotient > c.replicas {
		relation, after = ">", mul(c.replicas, p.LagThreshold)
	}
	d.step(c.rule, after, fmt.Sprintf("KEDA's integer division: %d / %d = %d %s %s",
		d.Value, p.LagThreshold, quotient, relation, c.fed))
}

// distributeEvenlyKEDA is the same as distributeEvenly but for two things: no lag asks for
// one replica, and what is more than all partitions can take is cut here.
func (p Policy) distributeEvenlyKEDA(d *Decision, partitions int64) {
	even := partitions
	if partitions > 0 {
		even = nextDivisor(partitions, ceilDiv(max(0, d.Value), p.LagThreshold))
	}
	d.step(RuleEvenDistribution, mul(even, p.LagThreshold), fmt.Sprintf(
		"%d is the next count that divides %s evenly: %d x %d",
		even, fault.Count(partitions, "partition"), even, p.LagThreshold))
}

// countedByKEDA leaves out the partitions that were missing in the broker's answer.
func countedByKEDA(r lag.Report) int64 {
	var n int64
	for i := range r.Partitions {
		if r.Partitions[i].Reason != lag.ReasonEndMissing {
			n++
		}
	}
	return n
}

// nonNegative states what KEDA does with a negative metric since 2.20.2 (pull request
// 7880). Only KEDA's own rules can make one.
func (d *Decision) nonNegative() {
	if d.Value < 0 {
		d.step(RuleNonNegative, 0, fmt.Sprintf("KEDA turns a negative metric into 0: %d < 0", d.Value))
	}
}
