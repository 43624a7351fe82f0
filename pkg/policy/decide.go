package policy

import (
	"errors"
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Defects of the caller. pkg/trigger refuses such thresholds, and asks for ages where they are needed.
var (
	errThreshold = errors.New("decide: lagThreshold must be greater than 0")
	errNoGroup   = errors.New("decide: there is no consumer group")
	errOneGroup  = errors.New("decide: compatibility keda takes one consumer group")
	errNoAges    = errors.New("decide: the ages of records were not asked for")
)

// Decide turns the lag reports of a trigger's consumer groups, nearly always one, into the
// decision that KEDA is told. The reports must come from [lag.Compute], or, for
// Compatibility [KEDA], from [lag.ComputeKEDA].
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
func (p Policy) Decide(reports ...lag.Report) Decision {
	d := Decision{Target: p.Target(), Unit: p.Unit()}
	if d.Err = p.defect(reports); d.Err != nil {
		return d
	}
	if d.Err = p.unknown(reports); d.Err != nil {
		if p.Compatibility != KEDA {
			// Where this is not known either, the first error says enough.
			_ = p.activate(&d, reports)
		}
		return d
	}
	d.Steps = make([]Step, 0, 5)
	var total int64
	if p.Compatibility == KEDA {
		total = reports[0].Total
		d.Value = total
		d.step(RuleTotalLag, total, describe(reports[0]))
		p.applyKEDA(&d, reports[0])
		d.nonNegative()
	} else {
		total = p.apply(&d, reports)
	}
	d.Limit = d.limit(total)
	if err := p.activate(&d, reports); err != nil {
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
	for i := range reports {
		r := &reports[i]
		switch {
		case r.Err != nil:
		case p.byAge() && r.AgeErr == nil && r.Total > 0 && r.Age <= 0,
			p.activatesOnAge() && r.ActivationAgeErr == nil && r.Activation > 0 && r.ActivationAge <= 0:
			return ofGroup(errNoAges, r, len(reports))
		}
	}
	return nil
}

// unknown says why there can be no value, if so.
func (p Policy) unknown(reports []lag.Report) error {
	for i := range reports {
		r := &reports[i]
		err := r.Err
		if err == nil && p.byAge() {
			err = r.AgeErr
		}
		if err != nil {
			return ofGroup(err, r, len(reports))
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

// apply runs the corrected rules and returns what the value would be without them.
func (p Policy) apply(d *Decision, reports []lag.Report) (total int64) {
	total, bound := p.applyToGroup(d, &reports[0])
	if len(reports) > 1 {
		total, bound = p.applyToOthers(d, reports, total, bound)
	}
	if bound.applies {
		d.MaxReplicas = bound.replicas
		p.reachLastReplicas(d, bound)
	}
	p.keepInRange(d)
	return total
}

// applyToGroup runs the rules that concern one group. It leaves the outcome in d.Value.
func (p Policy) applyToGroup(d *Decision, r *lag.Report) (total int64, bound replicaCap) {
	rule, reason := RuleTotalLag, ""
	if p.byAge() {
		total, rule = seconds(r.Age), RuleOldestRecord
		reason = describeAge(*r)
	} else {
		total, reason = r.Total, describe(*r)
	}
	d.Value = total
	d.step(rule, total, reason)
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

// seconds rounds up, so that an age is 0 only where it is 0.
func seconds(age time.Duration) int64 {
	return ceilDiv(int64(max(0, age)), int64(time.Second))
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

// Replicas is ceil(Value / Target): how many replicas an HPA with `metricType: AverageValue` aims for
// before its tolerance and its limits. It is 0 where there is no value.
func (d Decision) Replicas() int64 {
	if d.Err != nil || d.Target < 1 {
		return 0
	}
	return ceilDiv(d.Value, d.Target)
}
