package policy

import (
	"errors"
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// errThreshold is a defect of the caller: pkg/trigger refuses such a threshold.
var errThreshold = errors.New("decide: lagThreshold must be greater than 0")

// Decide turns a lag report into the decision that KEDA is told. The report must come
// from [lag.Compute], or, for Compatibility [KEDA], from [lag.ComputeKEDA].
//
// Where the report has an Err, so has the decision, and no value. Otherwise, unless
// Compatibility is [KEDA]:
//
//   - the value is 0 exactly where the total lag is 0;
//   - it asks for no more replicas than the caps that apply allow;
//   - it never falls while lag grows, as long as the number of partitions that the cap
//     counts stays the same;
//   - sums and products stop at the end of their range and never wrap round.
func (p Policy) Decide(r lag.Report) Decision {
	d := Decision{Target: p.LagThreshold, Err: r.Err}
	if d.Err == nil && p.LagThreshold < 1 {
		d.Err = errThreshold
	}
	if d.Err != nil {
		return d
	}
	d.Steps = make([]Step, 0, 5)
	d.Value = r.Total
	d.step(RuleTotalLag, r.Total, describe(r))
	if p.Compatibility == KEDA {
		p.applyKEDA(&d, r)
	} else {
		p.apply(&d, r)
	}
	d.nonNegative()
	d.Limit = d.limit(r.Total)
	p.activate(&d, r.Activation)
	return d
}

func describe(r lag.Report) string {
	text := fmt.Sprintf("%s of lag in %d of %s",
		count(r.Total, "record"), r.Lagging, count(int64(len(r.Partitions)), "partition"))
	if r.Activation > r.Total {
		text += fmt.Sprintf("; %d with the persistent lag, which is left out", r.Activation)
	}
	return text
}

// apply runs the corrected rules.
func (p Policy) apply(d *Decision, r lag.Report) {
	partitions := int64(len(r.Partitions))
	if p.EnsureEvenDistribution {
		p.distributeEvenly(d, partitions)
	}
	if p.capped() {
		c := p.bound(partitions, int64(r.Lagging))
		d.MaxReplicas = c.replicas
		p.applyCap(d, c)
		p.reachLastReplicas(d, c)
	}
	p.keepInRange(d)
}

// activate decides by the lag before any cap, as KEDA does.
func (p Policy) activate(d *Decision, activation int64) {
	s := Step{Rule: RuleActivation, Before: activation}
	if d.Active = activation > p.ActivationLagThreshold; d.Active {
		s.After = 1
		s.Reason = fmt.Sprintf("active: %d > activationLagThreshold %d", activation, p.ActivationLagThreshold)
	} else {
		s.Reason = fmt.Sprintf("inactive: %d <= activationLagThreshold %d", activation, p.ActivationLagThreshold)
	}
	d.Steps = append(d.Steps, s)
}

// step records what a rule did, and does it.
func (d *Decision) step(rule Rule, after int64, reason string) {
	d.Steps = append(d.Steps, Step{Rule: rule, Before: d.Value, After: after, Reason: reason})
	d.Value = after
}

// nonNegative states what KEDA does with a negative metric since 2.20.2 (pull request
// 7880). Only KEDA's own rules can make one.
func (d *Decision) nonNegative() {
	if d.Value < 0 {
		d.step(RuleNonNegative, 0, fmt.Sprintf("KEDA turns a negative metric into 0: %d < 0", d.Value))
	}
}

func (d *Decision) limit(total int64) Rule {
	var last Rule
	if d.Value >= total {
		return last
	}
	for _, s := range d.Steps {
		if s.After < s.Before {
			last = s.Rule
		}
	}
	return last
}

// Replicas is ceil(Value / Target): how many replicas the HPA aims for before its
// tolerance and its limits. It is 0 where there is no value.
func (d Decision) Replicas() int64 {
	if d.Err != nil || d.Target < 1 {
		return 0
	}
	return ceilDiv(d.Value, d.Target)
}
