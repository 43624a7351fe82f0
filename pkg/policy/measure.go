package policy

import (
	"errors"
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// errNoAges is a defect of the caller: pkg/trigger asks for ages where they are needed.
var errNoAges = errors.New("decide: the ages of records were not asked for")

// measure is what is counted of a report: for the metric, and, chosen by itself, for
// activation. What it counts is 0 exactly where there is nothing to do.
type measure uint8

const (
	// byRecords counts the records of lag.
	byRecords measure = iota
	// byAge counts the seconds that the oldest unconsumed record is old.
	byAge
)

func (m measure) unit() Unit {
	if m == byAge {
		return Seconds
	}
	return Records
}

// rule names the step that begins with it.
func (m measure) rule() Rule {
	if m == byAge {
		return RuleOldestRecord
	}
	return RuleTotalLag
}

// value is what counts for the metric, and why that is not known, if it is not. What is returned beside an
// error is known of it, and the truth is no less.
func (m measure) value(r *lag.Report) (int64, error) {
	if m == byAge {
		return known(seconds(r.Age), r, r.Total, r.AgeErr)
	}
	return r.Total, r.Err
}

// activation is value for activation.
func (m measure) activation(r *lag.Report) (int64, error) {
	if m == byAge {
		return known(seconds(r.ActivationAge), r, r.Activation, r.ActivationAgeErr)
	}
	return r.Activation, r.Err
}

// known is an age with the reason why it is not all, if it is not. records is the lag that it is the age of.
func known(age int64, r *lag.Report, records int64, unknown error) (int64, error) {
	switch {
	case r.Err != nil:
		return age, r.Err
	case unknown == nil && records > 0 && age == 0:
		return 0, errNoAges
	default:
		return age, unknown
	}
}

// combine takes the next group's activation into those of the groups before, by the rule for several groups. Ages
// never add up.
func (m measure) combine(p Policy, sofar, next int64, i int) int64 {
	if m == byAge {
		return max(sofar, next)
	}
	return p.combine(sofar, next, i)
}

// describe says in a sentence what the value is made of.
func (m measure) describe(r *lag.Report) string {
	if m == byAge {
		return describeAge(*r)
	}
	return describe(*r)
}

// why says in a sentence why the workload is active, or not. partly means that the number is not all.
func (m measure) why(n, tolerated int64, partly bool) string {
	active := n > tolerated
	switch {
	case m == byAge && active:
		return fmt.Sprintf("active: the oldest unconsumed record is %d s old > activationLagSeconds %d", n, tolerated)
	case m == byAge && n == 0:
		return fmt.Sprintf("inactive: nothing is left to consume, 0 s <= activationLagSeconds %d", tolerated)
	case m == byAge:
		return fmt.Sprintf("inactive: the oldest unconsumed record is %d s old <= activationLagSeconds %d", n, tolerated)
	case active && partly:
		return fmt.Sprintf("active: at least %s > activationLagThreshold %d", fault.Count(n, "known record"), tolerated)
	case active:
		return fmt.Sprintf("active: %d > activationLagThreshold %d", n, tolerated)
	default:
		return fmt.Sprintf("inactive: %d <= activationLagThreshold %d", n, tolerated)
	}
}

// seconds rounds up, so that an age is 0 only where it is 0.
func seconds(age time.Duration) int64 {
	return ceilDiv(int64(max(0, age)), int64(time.Second))
}
