package arrivals

import "time"

// The steps of what is read in the background: those that the planner keeps (pkg/policy/latency), aligned as there with
// the clock, so that each span lies in one step.
const (
	fineStep, fineSpan     = 15 * time.Second, time.Hour
	middleStep, middleSpan = 5 * time.Minute, 26 * time.Hour
	coarseStep, coarseSpan = 30 * time.Minute, 7 * 24 * time.Hour
)

// newest is the first time of the schedule: the end of the last step before now.
func newest(now time.Time) time.Time { return now.Truncate(fineStep) }

// earlier returns the time that is asked about after t, for a schedule that began at a time; false after the last.
func earlier(began, t time.Time) (time.Time, bool) {
	step := coarseStep
	switch back := began.Sub(t); {
	case back >= coarseSpan:
		return time.Time{}, false
	case back < fineSpan:
		step = fineStep
	case back < middleSpan:
		step = middleStep
	}
	// Where steps become longer, the first of them ends with the next multiple.
	return t.Add(-1).Truncate(step), true
}

// blockOf is the coarse step in which a span that ends at t lies. Spans are given away by whole blocks, so that the
// planner can make its longer steps of them.
func blockOf(end time.Time) time.Time { return end.Add(-1).Truncate(coarseStep) }
