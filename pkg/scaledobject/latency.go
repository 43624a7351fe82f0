package scaledobject

import (
	"errors"
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// RuleTolerance is the step that chooses a number that an HPA takes in spite of its tolerance, where it would not take
// the one that is wanted.
const RuleTolerance policy.Rule = "hpa_tolerance"

// RuleAsleep is the step that asks for one replica of a group without members, and for what has joined one since the
// last decision.
const RuleAsleep policy.Rule = "asleep"

// Target is the target of the trigger's metric, in Unit.
func (e *Entry) Target() int64 {
	if e.trigger.ScalesByLatency() {
		return latency.WholeTarget
	}
	return e.trigger.Policy.Target()
}

// Unit is what the trigger's metric counts.
func (e *Entry) Unit() policy.Unit {
	if e.trigger.ScalesByLatency() {
		return policy.Millireplicas
	}
	return e.trigger.Policy.Unit()
}

// applyLatency takes in what the planner decided. Whether the workload runs at all is for the rules of lag to say.
func (e *Entry) applyLatency(ev *Evaluation, now time.Time) {
	if e.trigger.Latency == nil {
		return
	}
	var planned latency.Decision
	var asleep bool
	var err error
	if e.plan == nil {
		err = e.unplanned()
	} else {
		planned, asleep, err = e.plan.decide(now)
		ev.Latency, ev.LatencyErr = &planned, err
	}
	if !e.trigger.ScalesByLatency() {
		return
	}
	lagDecision := ev.Decision
	d := policy.Decision{Target: latency.WholeTarget, Unit: policy.Millireplicas, Active: lagDecision.Active, Err: lagDecision.Err}
	if d.Err == nil {
		d.Err = err
	}
	if d.Err == nil {
		e.count(&d, &planned, asleep)
	}
	for _, step := range lagDecision.Steps {
		if step.Rule == policy.RuleActivation && (d.Err == nil || d.Active) {
			d.Steps = append(d.Steps, step)
		}
	}
	ev.Decision = d
}

// unplanned is why a trigger without a planner has no number of replicas.
func (*Entry) unplanned() error {
	return &fault.Error{
		Kind: fault.Precondition, Op: "scale by", Object: "targetLatency",
		Err:    errors.New("KEDA has not asked this scaler about the trigger yet, so that nothing is known of what arrives and of what a replica does"),
		Remedy: "ask again a few minutes after its ScaledObject was made",
	}
}

// count makes the metric of what was planned.
func (e *Entry) count(d *policy.Decision, planned *latency.Decision, asleep bool) {
	have, most := e.plan.sizes(&e.trigger.Latency.Config)
	for _, s := range planned.Steps {
		d.Steps = append(d.Steps, policy.Step{
			Rule: policy.Rule(s.Rule), Before: int64(s.Before) * latency.WholeTarget, After: int64(s.After) * latency.WholeTarget, Reason: s.Reason,
		})
	}
	wanted := planned.Replicas
	if asleep {
		wanted = max(1, have)
		reason := "the group has no member: one replica is asked for where KEDA wakes the workload"
		if have > 0 {
			reason = "the group has just woken: what has joined stays until the next decision"
		}
		d.Steps = append(d.Steps, policy.Step{Rule: RuleAsleep, After: int64(wanted) * latency.WholeTarget, Reason: reason})
	}
	m := latency.Value(have, wanted, most, policy.DefaultTolerance)
	if before := int64(wanted) * latency.WholeTarget; m.Value != before {
		reason := fmt.Sprintf("an HPA that has %d replicas lands on %d by this number, in spite of its tolerance", have, m.Lands)
		if m.Lands != wanted {
			reason = fmt.Sprintf("an HPA that has %d replicas cannot be brought to %d past its tolerance: %d is the nearest that it takes", have, wanted, m.Lands)
		}
		d.Steps = append(d.Steps, policy.Step{Rule: RuleTolerance, Before: before, After: m.Value, Reason: reason})
	}
	d.Value, d.MaxReplicas, d.Limit = m.Value, int64(most), policy.Rule(planned.Limit)
}
