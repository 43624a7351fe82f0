package policy

import (
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// activate decides by the lag before any cap, as KEDA does. What is known to be above the
// threshold is enough; that nothing is takes all that there is to know. Where that is
// missing it decides nothing and returns why.
func (p Policy) activate(d *Decision, reports []lag.Report) error {
	known, unknown := p.activation(reports)
	s := Step{Rule: RuleActivation, Before: known}
	switch {
	case p.activatesOnAge():
		d.Active = known > p.ActivationLagSeconds
		s.Reason = p.whyByAge(known)
	default:
		d.Active = known > p.ActivationLagThreshold
		s.Reason = p.whyByRecords(known, unknown != nil)
	}
	if !d.Active && unknown != nil {
		return unknown
	}
	if d.Active {
		s.After = 1
		s.Reason += unread(reports)
	}
	d.Steps = append(d.Steps, s)
	return nil
}

// activation is what decides: records, or the age of the oldest one in seconds. With an error it is
// what is known of it, and the truth is no less.
func (p Policy) activation(reports []lag.Report) (known int64, unknown error) {
	for i := range reports {
		r := &reports[i]
		err := r.Err
		if p.activatesOnAge() {
			known = max(known, seconds(r.ActivationAge))
			if err == nil {
				err = r.ActivationAgeErr
			}
		} else {
			known = p.combine(known, r.Activation, i)
		}
		if err != nil && unknown == nil {
			unknown = ofGroup(err, r, len(reports))
		}
	}
	return known, unknown
}

func (p Policy) whyByRecords(records int64, partly bool) string {
	switch {
	case records <= p.ActivationLagThreshold:
		return fmt.Sprintf("inactive: %d <= activationLagThreshold %d", records, p.ActivationLagThreshold)
	case partly:
		return fmt.Sprintf("active: at least %s > activationLagThreshold %d", count(records, "known record"), p.ActivationLagThreshold)
	default:
		return fmt.Sprintf("active: %d > activationLagThreshold %d", records, p.ActivationLagThreshold)
	}
}

func (p Policy) whyByAge(age int64) string {
	switch {
	case age > p.ActivationLagSeconds:
		return fmt.Sprintf("active: the oldest unconsumed record is %d s old > activationLagSeconds %d", age, p.ActivationLagSeconds)
	case age == 0:
		return fmt.Sprintf("inactive: nothing is left to consume, 0 s <= activationLagSeconds %d", p.ActivationLagSeconds)
	default:
		return fmt.Sprintf("inactive: the oldest unconsumed record is %d s old <= activationLagSeconds %d", age, p.ActivationLagSeconds)
	}
}

// unread says of how much nothing is known, for the end of a sentence; empty where the lag of all is.
func unread(reports []lag.Report) string {
	var failed bool
	var missing, all int64
	for i := range reports {
		r := &reports[i]
		if r.Err == nil {
			all += int64(len(r.Partitions))
			continue
		}
		failed = true
		for j := range r.Partitions {
			all++
			if r.Partitions[j].Err != nil {
				missing++
			}
		}
	}
	switch {
	case !failed:
		return ""
	case missing == 0:
		return ", although not all of the lag is known"
	default:
		return fmt.Sprintf(", although %d of %s cannot be read", missing, count(all, "partition"))
	}
}
