package policy

import (
	"slices"
	"sort"
)

// Outcome is what the HPA does when it has Current replicas.
type Outcome struct {
	Current, Desired int64
	// Reason is one sentence with the numbers in it, for people. Where the HPA's tolerance keeps it from
	// what the decision asks for, it names the setting that helps.
	Reason string
}

// Outcomes returns what the HPA makes of the decision for each number of replicas that it
// may have now, in the order given. Where none is given it picks those that differ: 1, the
// last and first counts around the tolerance, the count asked for and one below, and the
// caps. For a Value target, of which the outcome is a multiple of what there is, it picks 1, 2, 4, 8 and maxReplicaCount. There are none for a decision without a value.
func (h Horizontal) Outcomes(d Decision, currents ...int64) []Outcome {
	if d.Err != nil || d.Target < 1 {
		return nil
	}
	if len(currents) == 0 {
		currents = h.informative(d)
	}
	outcomes := make([]Outcome, 0, len(currents))
	for _, current := range currents {
		o := Outcome{Current: current}
		o.Desired, o.Reason = h.Desired(d.Value, d.Target, current)
		if blocked := h.Unreachable(d, current); blocked != "" {
			o.Reason = blocked
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}

// informative returns the replica counts at which something changes, ascending.
func (h Horizontal) informative(d Decision) []int64 {
	currents := []int64{1, 2, 4, 8, h.MaxReplicas}
	if !h.ByValue {
		asked := askedReplicas(d.Value, d.Target)
		lowest, above := h.kept(d.Value, d.Target)
		currents = []int64{1, lowest - 1, lowest, asked - 1, asked, above - 1, above, d.MaxReplicas, h.MaxReplicas}
	}
	slices.Sort(currents)
	currents = slices.Compact(currents)
	return slices.DeleteFunc(currents, func(c int64) bool {
		return c < 1 || c > mostReplicas || (h.MaxReplicas > 0 && c > h.MaxReplicas)
	})
}

// kept returns the lowest replica count that the HPA keeps at this value, and the first
// above it that it does not keep. They are equal where it keeps none.
func (h Horizontal) kept(value, target int64) (lowest, above int64) {
	// The ratio falls as the count grows, so each border has one place.
	first := func(reached func(ratio float64) bool) int64 {
		return 1 + int64(sort.Search(int(mostReplicas), func(i int) bool {
			return reached(h.ratio(value, target, int64(i)+1))
		}))
	}
	return first(func(r float64) bool { return r <= 1+h.Tolerance }),
		first(func(r float64) bool { return r < 1-h.Tolerance })
}
