package policy

import (
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// activate decides by the lag before any cap, as KEDA does. What is known to be above the
// threshold is enough; that nothing is takes all that there is to know. Where that is
// missing it decides nothing and returns why.
func (p Policy) activate(d *Decision, reports []lag.Report) error {
	m, tolerated := p.activation()
	var n int64
	var unknown error
	for i := range reports {
		of, err := m.activation(&reports[i])
		n = m.combine(p, n, of, i)
		if err != nil && unknown == nil {
			unknown = ofGroup(err, &reports[i], len(reports))
		}
	}
	if d.Active = n > tolerated; !d.Active && unknown != nil {
		return unknown
	}
	s := Step{Rule: RuleActivation, Before: n, Reason: m.why(n, tolerated, unknown != nil)}
	if d.Active {
		s.After = 1
		s.Reason += unread(reports)
	}
	d.Steps = append(d.Steps, s)
	return nil
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
		return fmt.Sprintf(", although %d of %s cannot be read", missing, fault.Count(all, "partition"))
	}
}
