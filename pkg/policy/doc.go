// Package policy turns a lag report into the number that the HPA sees.
//
// [Policy.Decide] is the only place where that happens: the RPCs, the explain
// command, the API and the metrics all show the same [Decision], and a decision
// carries its steps as data, so that nobody has to reconstruct why.
//
// The rules, in order:
//
//	total lag            the sum over the partitions; or, where seconds are asked for,
//	oldest record        the age of the oldest record that is not consumed yet
//	even distribution    the next replica count that gives each consumer as many partitions
//	partition cap        no more replicas than partitions can feed
//	lagging cap          no more replicas than partitions that have lag
//	consumer groups      the sum, or the largest, of what the rules so far made of each group
//	last replicas        past the HPA's tolerance, so that the cap can be reached
//	largest value        no number that Kubernetes' arithmetic cannot carry
//	non-negative         never below zero
//	activation           activation lag > activationLagThreshold, or age > activationLagSeconds
//
// [Horizontal] restates what the HPA then makes of the number (the ratio, the
// 10 % tolerance, the ceiling, the maximum), for explain and for tests.
//
// The package is pure: no Kafka, no clock, no log.
package policy
