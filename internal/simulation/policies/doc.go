// Package policies holds what a simulation compares: the scaler's own policies, by their own code, and its
// rivals, each as its source states it.
//
//	Latency        targetLatency, by pkg/policy/latency itself
//	LagThreshold   KEDA's lagThreshold and ensureEvenDistributionOfPartitions, by pkg/policy itself
//	CPU            an HPA on 70 % CPU
//	Rate           arrivals over the service rate, with head-room
//	LadderRate     the same on the sizes ceil(P/k), with the lag drained within the objective
//	Flink          the formula of the Flink Kubernetes operator's autoscaler
//	BinPacking     Ezzeddine's least-loaded bin packing
//	Druid          Apache Druid's cost function
//	CatchUp        the formula in the scripts of Federator.ai's test kit
//	Static         always the same
//
// The rivals are told the true service rate, which targetLatency has to learn. None controls which member gets
// which partition: that is Kafka's assignor, for all of them alike.
package policies
