package simulation

import "time"

// Result is what a run showed after its warm-up. Latency is the time from a record's arrival to the end of its
// processing.
type Result struct {
	// Name is the contender's.
	Name string
	// Records is how many were scored: those that arrived after the warm-up and were processed, or waited
	// longer than every objective.
	Records int64
	// Late is how many took longer than each of the scenario's objectives.
	Late []int64
	// Mean, P50, P99 and Max are latencies. Records that were never processed count with their age at the
	// end of the run.
	Mean, P50, P99, Max time.Duration
	// ReplicaSeconds counts every pod from its creation on.
	ReplicaSeconds float64
	// Changes is how often the number of replicas changed, Rebalances how many assignments the group made.
	Changes, Rebalances int64
	// Length is what was scored.
	Length time.Duration
	// Timeline has one point for each [TimelineStep].
	Timeline []Point
}

// TimelineStep is the time between two points of a timeline.
const TimelineStep = time.Minute

// Point is one minute of a run.
type Point struct {
	// At is the start of the minute, since the start of what is scored.
	At time.Duration
	// Arrived is how many records arrived in it, Late how many of these took longer than each objective.
	Arrived int64
	Late    []int64
	// Replicas is the mean number of pods, Ready that of those in the group.
	Replicas, Ready float64
	// Lag is how many records no member had taken up at the end of the minute.
	Lag int64
}

// InTime is the share of the records that met the scenario's objective number i; 1 where there were none.
func (r *Result) InTime(i int) float64 {
	if r.Records == 0 {
		return 1
	}
	return 1 - float64(r.Late[i])/float64(r.Records)
}

// ReplicaHours is ReplicaSeconds in hours.
func (r *Result) ReplicaHours() float64 { return r.ReplicaSeconds / time.Hour.Seconds() }

// PerDay turns a count of the run into one of a day.
func (r *Result) PerDay(count int64) float64 {
	return float64(count) * (24 * time.Hour).Seconds() / r.Length.Seconds()
}
