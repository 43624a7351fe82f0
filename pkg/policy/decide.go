package policy

import (
	"errors"
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Defects of the caller. pkg/trigger refuses such thresholds.
var (
	errThreshold = errors.New("decide: lagThreshold must be greater than 0")
	errNoGroup   = errors.New("decide: there is no consumer group")
	errOneGroup  = errors.New("decide: compatibility keda takes one consumer group")
)

// Input is what a decision is made from.
type Input struct {
	// Reports are those of the trigger's consumer groups, nearly always one. They must come from
	// [lag.Compute], or, for Compatibility [KEDA], from [lag.ComputeKEDA].
	Reports []lag.Report
}

// Decide turns what is known of a trigger's consumer groups into the decision that KEDA is told.
//
// Where a report has an Err, so has the decision, and no value; so it is where an age that
// the policy needs is not known. It is then active only where what is known is enough for
// that, whatever the rest may be, and never for Compatibility [KEDA]. Otherwise, unless
// Compatibility is [KEDA]:
//
//   - the value is 0 exactly where the total lag is 0;
//   - it asks for no more replicas than the caps that apply allow;
//   - it never falls while lag grows, as long as the number of partitions that the cap
//     counts stays the same;
//   - sums and products stop at the end of their range and never wrap round.
func (p Policy) Decide(in Input) Decision {
	p = p.effective()
	d := Decision{Target: p.Target(), Unit: p.Unit()}
	if d.Err = p.defect(in.Reports); d.Err != nil {
		return d
	}
	d.Err = p.unknown(in.Reports)
	keda := p.Compatibility == KEDA
	switch {
	case d.Err != nil && keda:
		return d // KEDA fails as a whole where it cannot read a partition
	case d.Err != nil:
		// Where activity is not known either, the first error says enough.
		_ = p.activate(&d, in.Reports)
		return d
	case keda:
		p.applyKEDA(&d, in.Reports[0])
	default:
		p.apply(&d, in.Reports)
	}
	if err := p.activate(&d, in.Reports); err != nil {
		return Decision{Target: d.Target, Unit: d.Unit, Err: err}
	}
	return d
}

// defect says what the caller did wrong, if anything.
func (p Policy) defect(reports []lag.Report) error {
	switch {
	case len(reports) == 0:
		return errNoGroup
	case len(reports) > 1 && p.Compatibility == KEDA:
		return errOneGroup
	case p.Target() < 1:
		return errThreshold
	}
	value, _ := p.metric()
	activation, _ := p.activation()
	for i := range reports {
		r := &reports[i]
		_, err := value.value(r)
		_, activationErr := activation.activation(r)
		if err == errNoAges || activationErr == errNoAges { //nolint:errorlint // ours, and never wrapped
			return ofGroup(errNoAges, r, len(reports))
		}
	}
	return nil
}

// unknown says why there can be no value, if so.
func (p Policy) unknown(reports []lag.Report) error {
	m, _ := p.metric()
	for i := range reports {
		if _, err := m.value(&reports[i]); err != nil {
			return ofGroup(err, &reports[i], len(reports))
		}
	}
	return nil
}

// ofGroup says whose error it is, where there are several groups.
func ofGroup(err error, r *lag.Report, groups int) error {
	if groups == 1 {
		return err
	}
	return fmt.Errorf("consumer group %q: %w", r.Group.Name, err)
}

// apply runs the corrected rules.
func (p Policy) apply(d *Decision, reports []lag.Report) {
	d.Steps = make([]Step, 0, 5)
	total, bound := p.applyToGroup(d, &reports[0])
	if len(reports) > 1 {
		total, bound = p.applyToOthers(d, reports, total, bound)
	}
	if bound.applies {
		d.MaxReplicas = bound.replicas
		p.reachLastReplicas(d, bound)
	}
	p.keepInRange(d)
	d.Limit = d.limit(total)
}

// applyToGroup runs the rules that concern one group. It leaves the outcome in d.Value.
func (p Policy) applyToGroup(d *Decision, r *lag.Report) (total int64, bound replicaCap) {
	m, _ := p.metric()
	total, _ = m.value(r)
	d.Value = total
	d.step(m.rule(), total, m.describe(r))
	switch {
	case !p.capped():
	case r.Group.Kind == lag.KindShare:
		d.step(RulePartitionCap, d.Value, "the members of a share group share partitions: their number is no cap")
	default:
		partitions, lagging := p.countPartitions(r)
		if p.EvenDistribution != AnyDistribution {
			p.distributeEvenly(d, partitions)
		}
		bound = p.bound(partitions, lagging)
		p.applyCap(d, bound)
	}
	return total, bound
}

// step records what a rule did, and does it.
func (d *Decision) step(rule Rule, after int64, reason string) {
	d.Steps = append(d.Steps, Step{Rule: rule, Before: d.Value, After: after, Reason: reason})
	d.Value = after
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

// Replicas is ceil(Value / Target): how many replicas an HPA with `metricType: AverageValue` aims for
// before its tolerance and its limits. It is 0 where there is no value.
func (d Decision) Replicas() int64 {
	if d.Err != nil || d.Target < 1 {
		return 0
	}
	return ceilDiv(d.Value, d.Target)
}
