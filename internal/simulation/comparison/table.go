package comparison

import (
	"cmp"
	"slices"
	"time"
)

// Row is a line of the table for one objective.
type Row struct {
	Run
	// InTime is the share of the records that met the objective, and Attained whether that is enough.
	InTime   float64
	Attained bool
	// ReplicaHours is what the policy cost, Ratio that over the clairvoyant plan's.
	ReplicaHours, Ratio float64
	// ChangesPerDay counts changes of the number of replicas, RebalancesPerDay assignments.
	ChangesPerDay, RebalancesPerDay float64
	// Chosen says that the row is the best of several, in hindsight.
	Chosen bool
}

// Kinds are all kinds of policies, in the order of the table.
func Kinds() []Kind {
	return []Kind{
		KindLatency, KindOwn, KindLag, KindEven, KindCPU, KindRate, KindLadder, KindFlink, KindTuned, KindPacking,
		KindDruid, KindCatchUp, KindPeak, KindMost,
	}
}

// Table returns one row for each kind of policy, for objective number i: of several runs of a kind the best.
func (c *Comparison) Table(i int) []Row {
	var rows []Row
	for _, k := range Kinds() {
		all := c.Of(k, i)
		if len(all) == 0 {
			continue
		}
		best := c.Best(all)
		best.Chosen = len(all) > 1
		rows = append(rows, best)
	}
	return rows
}

// Of returns the rows of all runs of a kind, for objective number i.
func (c *Comparison) Of(k Kind, i int) []Row {
	var rows []Row
	for _, r := range c.Runs {
		if r.Kind == k && (r.Objective == i || r.Objective == allObjectives) {
			rows = append(rows, c.row(r, i))
		}
	}
	return rows
}

// All returns the rows of all runs that count for objective number i, in the order of the table.
func (c *Comparison) All(i int) []Row {
	var rows []Row
	for _, k := range Kinds() {
		rows = append(rows, c.Of(k, i)...)
	}
	return rows
}

func (c *Comparison) row(r Run, i int) Row {
	in := r.InTime(i)
	return Row{
		Run: r, InTime: in, Attained: in >= c.Setup.Attainment,
		ReplicaHours: r.ReplicaHours(), Ratio: r.ReplicaSeconds / c.Bounds[i].ReplicaSeconds,
		ChangesPerDay: r.PerDay(r.Changes), RebalancesPerDay: r.PerDay(r.Rebalances),
	}
}

// Best returns the cheapest row that attains the objective, and where none does, the one with the most records
// in time. There must be one.
func (*Comparison) Best(rows []Row) Row {
	return slices.MinFunc(rows, func(a, b Row) int {
		switch {
		case a.Attained && b.Attained:
			return cmp.Compare(a.ReplicaHours, b.ReplicaHours)
		case a.Attained:
			return -1
		case b.Attained:
			return 1
		default:
			return cmp.Compare(b.InTime, a.InTime)
		}
	})
}

// CheapestRival returns the cheapest row that attains the objective and is not targetLatency; ok is false where
// there is none.
func (c *Comparison) CheapestRival(i int) (r Row, ok bool) {
	rows := slices.DeleteFunc(c.Table(i), func(r Row) bool { return r.Kind == KindLatency || !r.Attained })
	if len(rows) == 0 {
		return Row{}, false
	}
	return c.Best(rows), true
}

// PlanHours is the clairvoyant plan's cost for objective number i.
func (c *Comparison) PlanHours(i int) float64 {
	return c.Bounds[i].ReplicaSeconds / time.Hour.Seconds()
}
