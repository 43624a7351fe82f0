package latency

import (
	"slices"
	"time"
)

// Rule names a step of a decision. The values are part of the output of commands, API and metrics.
type Rule string

// The rules, in the order in which they run.
const (
	// RuleCurrent is what there is: the members, or what was asked for and is still on its way.
	RuleCurrent Rule = "current"
	// RuleUnknown: something is not known that a decision needs, so nothing changes.
	RuleUnknown Rule = "unknown"
	// RuleFirstMinute: a planner that has just begun cannot know of replicas that are starting.
	RuleFirstMinute Rule = "first_minute"
	// RulePartitionsGrown: new partitions have no past yet.
	RulePartitionsGrown Rule = "partitions_grown"
	// RuleOffsetsReset: offsets went backwards, so that what was learned about partitions was forgotten.
	RuleOffsetsReset Rule = "offsets_reset"
	// RuleStuck: partitions with records but no commit, in a stable group. No number of replicas helps.
	RuleStuck Rule = "stuck_consumers"
	// RuleHotPartition: a partition gets more than one member can consume. No number of replicas helps.
	RuleHotPartition Rule = "hot_partition"
	// RuleLearning: the service rate is not known yet, so the group keeps the members that it has.
	RuleLearning Rule = "learning"
	// RuleProbe: one size down, to find out what a busy replica can do.
	RuleProbe Rule = "probe"
	// RuleReplay: old records are consumed once more. They are late already; the size makes them end in time.
	RuleReplay Rule = "replay"
	// RuleScaleUp: the cheapest size that keeps records in time.
	RuleScaleUp Rule = "scale_up"
	// RuleScaleDown: the smallest size from which a later jump can still repair, where that pays.
	RuleScaleDown Rule = "scale_down"
	// RuleRebalance: a change is under way; it must end before the next one.
	RuleRebalance Rule = "rebalance"
	// RuleIneffective: more replicas have not consumed more.
	RuleIneffective Rule = "scale_out_does_not_help"
	// RuleLimitedElsewhere: fewer members came than were asked for.
	RuleLimitedElsewhere Rule = "limited_elsewhere"
	// RulePartitionBound: no more replicas than partitions can feed.
	RulePartitionBound Rule = "partition_bound"
	// RuleMaxReplicas: no more than the trigger allows.
	RuleMaxReplicas Rule = "max_replicas"
)

// Step is one rule's doing. A rule that did not apply leaves no step; one that applied and changed nothing
// leaves a step with Before == After.
type Step struct {
	Rule Rule
	// Before and After are the replicas before and after the rule.
	Before, After int
	// Reason is one sentence with the numbers in it, for people.
	Reason string
}

// Source says how an estimate is known.
type Source string

// The sources of estimates.
const (
	// Unknown: nothing has been seen yet.
	Unknown Source = "unknown"
	// Configured: the trigger says it.
	Configured Source = "configured"
	// Assumed: nothing has been seen yet, and a usual value is taken.
	Assumed Source = "assumed"
	// AtLeast: it has been seen that it is no less.
	AtLeast Source = "at least"
	// Learned: it has been seen.
	Learned Source = "learned"
)

// Rate is an estimate in records a second.
type Rate struct {
	PerSecond float64
	Source    Source
	// Samples is how many measurements are behind it.
	Samples int
}

// Delay is an estimate of a time.
type Delay struct {
	Duration time.Duration
	Source   Source
	Samples  int
}

// Forecast is what is expected to arrive at a time ahead, in records a second.
type Forecast struct {
	Ahead time.Duration
	// Expected is exceeded as often as not, High in one of 1 / (1 - Decision.Quantile) cases.
	Expected, High float64
}

// Size is what a number of replicas would bring.
type Size struct {
	Replicas int
	// Worst is the highest latency that is expected on the high path until the size could be changed again.
	Worst time.Duration
	// InTime is the share of the records of that time that are consumed within the target.
	InTime float64
	// ReplicaHours is what an hour costs at this size, with the changes that are needed.
	ReplicaHours float64
	// Lasts is how long this size is enough on the expected path, at most an hour.
	Lasts time.Duration
	// Why says why it was chosen, or why not.
	Why string
}

// Decision is how many replicas there are to be, and why.
type Decision struct {
	// At is the moment that the decision was made for: a multiple of Interval.
	At time.Time
	// Replicas is the number wanted, at least 1. Where Hold is set it is what there is, as far as that is known.
	Replicas int
	// Current is what there is: the members' replicas, or more where some are known to be starting.
	Current int
	// Hold says that the number is not known and nothing must change. KEDA must get an error.
	Hold bool
	// Limit is the guard that keeps the decision from a size that would be better, or empty.
	Limit Rule
	// Steps are the rules that ran, in order. Each starts where the one before ended; the last ends at Replicas.
	Steps []Step
	// Sizes are the neighbouring sizes, ascending.
	Sizes []Size
	// Latency is the age of the oldest record that is not consumed, as far as it can be computed from offsets.
	Latency time.Duration
	// InTime is the share of records that were in time so far, with a memory of some hours; 1 at the start.
	InTime float64
	// Forecast is for now and 1, 2 and 5 minutes ahead.
	Forecast []Forecast
	// Quantile is the one that Forecast.High stands for.
	Quantile float64
	// Service is what a busy replica consumes.
	Service Rate
	// Startup is the time from asking for a replica until it consumes.
	Startup Delay
	// Pause is how long a change stops the consumers.
	Pause Delay
	// CommitDelay is how late a commit says what was consumed.
	CommitDelay time.Duration
}

// Reason is the sentence of the last step that changed the number, or of the last one.
func (d Decision) Reason() string {
	for _, s := range slices.Backward(d.Steps) {
		if s.Before != s.After {
			return s.Reason
		}
	}
	if n := len(d.Steps); n > 0 {
		return d.Steps[n-1].Reason
	}
	return ""
}
