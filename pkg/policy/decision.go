package policy

// Rule names a step of a decision. The values are part of the CLI's and API's output and of metric labels.
type Rule string

// The rules, in the order in which they run.
const (
	RuleTotalLag         Rule = "total_lag"
	RuleOldestRecord     Rule = "oldest_record"
	RuleEvenDistribution Rule = "even_distribution"
	RulePartitionCap     Rule = "partition_cap"
	RuleLaggingCap       Rule = "lagging_partitions_cap"
	RuleConsumerGroups   Rule = "consumer_groups"
	RuleLastReplicas     Rule = "last_replicas"
	RuleLargestValue     Rule = "largest_value"
	RuleNonNegative      Rule = "non_negative"
	RuleActivation       Rule = "activation"
)

// Step is one rule's doing. A rule that did not apply leaves no step; one that
// applied and changed nothing leaves a step with Before == After.
type Step struct {
	Rule Rule
	// Group is the consumer group that the step is about, where the trigger has several; empty where it has
	// one, and for the steps that are about all of them.
	Group string
	// Before and After are the metric value before and after the rule, in the decision's unit. For
	// RuleActivation Before is the activation lag in records, or the age in seconds with
	// activationLagSeconds, and After is 1 (active) or 0.
	Before, After int64
	// Reason is one sentence with the numbers in it, for people.
	Reason string
}

// Decision is what KEDA is told about one trigger.
type Decision struct {
	// Value is the metric in Unit, at least 0, and at most [LargestValue] except in KEDA compatibility.
	// Meaningless where Err is set.
	Value int64
	// Target is the HPA's target in Unit: lagThreshold or lagSecondsThreshold.
	Target int64
	// Unit is what both count.
	Unit Unit
	// Active says whether the workload should run at all. Where Err is set, true means that what is known is
	// proof enough, and false that nobody can tell.
	Active bool
	// MaxReplicas is the most replicas that Value could ask for with any lag under the caps that applied; 0
	// means that none did (for share groups none does), or, with limitToPartitionsWithLag, that no partition has lag. In KEDA
	// compatibility it can be one more than the cap, as KEDA's can.
	MaxReplicas int64
	// Limit is the last rule that lowered the value, where it ended below the total lag or age; empty if it
	// did not.
	Limit Rule
	// Steps are the rules that ran, in order. The first has the total lag or age as Before, each next one
	// starts where the one before ended, and the last but RuleActivation ends at Value. With several consumer
	// groups that holds for the steps of each group, and again from RuleConsumerGroups on, which combines
	// what they ended with.
	Steps []Step
	// Err is set where the lag, or an age that the policy needs, is not known. There is then no value, and KEDA
	// gets an error instead. The only step there may be is the RuleActivation that made it Active.
	Err error
}
