// Package simulation simulates a Kafka consumer group that something scales: single records, from their arrival
// to the end of their processing. It is pure and deterministic: the same scenario, workload and policy give the
// same result, to the last record.
//
// # The model
//
// Time goes on in seconds. At the start of each, pods become ready, members join and leave, rebalances begin and
// end, commits are made, the policy looks, and the HPA decides. Within it, records arrive and are processed at
// any moment, one by one.
//
// Arrivals are a curve, times log-normal noise that is correlated over some seconds, times the partition's share
// (Zipf, in random order); the number in each second is Poisson. Up to 8 of a partition in a second lie anywhere
// in it, as in a Poisson process; where there are more, each lies somewhere in its own equal part of the second.
// A [Workload] is drawn once and is the same for all policies. It holds numbers of records only: when a consumer
// gets to a second, its records are drawn again from the same stream.
//
// A partition is a queue: first in, first out. A member serves its partitions in turn, up to max.poll.records
// from each, and takes for each record a time from the service-time distribution, divided by the speed of its
// pod. Latency is the time from a record's arrival to the end of its processing. It commits at an interval, when
// partitions are taken from it, and when it leaves; who dies does not, and what it had not committed is processed
// again, which costs time and is not scored twice. A limit downstream slows all members down alike.
//
// A pod costs from its creation on. It joins the group after its start-up delay, which is uniform, and for a
// share of pods after that of a new node besides. Pods that are not ready are deleted first, then the youngest.
//
// A rebalance assigns partitions stickily and evenly by their number; like Kafka's assignors it does not look at
// their load. Eager, it stops everybody for the pause, and each further join or leave begins the pause again; a
// member that is dead and not noticed holds everybody up. Cooperative, partitions that move stop for the pause,
// and who comes meanwhile waits for the next rebalance. With KIP-848 partitions that move stop for the pause,
// each by itself.
//
// The HPA is that of internal/kedaloop: 15 s between two syncs, at a random phase, with tolerance, stabilisation
// and pace. A [Policy] sees what Kafka and Kubernetes tell anyone, in a [View], and answers with a metric.
//
// Left out are scaling to zero, several topics, brokers that fail, fetch sizes, and the time between the end of
// a record's processing and its commit, as far as latency goes.
package simulation
