package policy

import (
	"fmt"
	"math"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// namedGroups is how many groups a sentence names.
const namedGroups = 5

// combine takes the next group's number, the i-th, into those of the groups before.
func (p Policy) combine(sofar, next int64, i int) int64 {
	switch {
	case i == 0:
		return next
	case p.Groups == MaxOfGroups:
		return max(sofar, next)
	case sofar > math.MaxInt64-next:
		return math.MaxInt64
	default:
		return sofar + next
	}
}

// combineCaps makes one cap of the groups' caps. Where one group has none, neither has the metric.
func (p Policy) combineCaps(a, b replicaCap) replicaCap {
	if !a.applies || !b.applies {
		return replicaCap{}
	}
	a.replicas = p.combine(a.replicas, b.replicas, 1)
	return a
}

// applyToOthers takes in the groups after the first, given what that made, and combines all.
func (p Policy) applyToOthers(d *Decision, reports []lag.Report, total int64, bound replicaCap) (int64, replicaCap) {
	d.nameGroup(0, reports[0].Group.Name)
	value := d.Value
	parts := []string{part(&reports[0], value)}
	for i := 1; i < len(reports); i++ {
		first := len(d.Steps)
		itsTotal, itsBound := p.applyToGroup(d, &reports[i])
		d.nameGroup(first, reports[i].Group.Name)
		total, value = p.combine(total, itsTotal, i), p.combine(value, d.Value, i)
		bound = p.combineCaps(bound, itsBound)
		if i < namedGroups {
			parts = append(parts, part(&reports[i], d.Value))
		}
	}
	if rest := len(reports) - len(parts); rest > 0 {
		parts = append(parts, fmt.Sprintf("%d more", rest))
	}
	name := "the sum of "
	if p.Groups == MaxOfGroups {
		name = "the largest of "
	}
	d.Value = value
	d.step(RuleConsumerGroups, value, name+strings.Join(parts, ", "))
	return total, bound
}

// nameGroup says whose steps those from the first on are.
func (d *Decision) nameGroup(first int, name string) {
	for i := range d.Steps[first:] {
		d.Steps[first+i].Group = name
	}
}

func part(r *lag.Report, value int64) string { return fmt.Sprintf("%q %d", r.Group.Name, value) }
