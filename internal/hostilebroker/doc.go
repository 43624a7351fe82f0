// Package hostilebroker runs Kafka brokers that are ill or mean harm: one kind
// answers random bytes, another names a partition 1048576, another never ends its
// response. Each speaks enough of the protocol to be taken for a broker up to the
// point where it does its harm. What they say is drawn from a seed.
//
// A broker of kind [Plausible] does no harm: it is the answer that the others
// change, and a cluster with a known lag.
package hostilebroker
