// Package history turns what is known of a trigger's consumer group into the observations that the planner of
// targetLatency wants: which partitions there are and where their logs end, up to where the group is done with them,
// who its members are and what they have.
//
// Offsets come as a [lag.Report], so that all rules about lag hold here too: a commit that does not exist or that the
// log does not have, phantom lag, read_committed. Members come as a [lag.Membership], which package members reads.
// What arrived before anything was observed is read from the log by package arrivals.
//
//	history.go      an observation
//	places.go       which place a partition has in it, also when partitions come and go
//	members.go      who counts as a member, and who has which partition
//
// What arrives, what is consumed, and for how long either is remembered, is the planner's own (pkg/policy/latency): a
// [History] remembers no more than it needs so that two observations can be compared, 16 bytes a partition. What is not
// known stays not known: an observation never has a number in its place.
//
// The package is pure: no Kafka, no clock, no log. Its sub-packages read.
package history
