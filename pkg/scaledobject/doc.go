// Package scaledobject is what KEDA's questions mean for a trigger, without the
// gRPC by which KEDA asks them.
//
//	Ref ─► Registry ─► Entry ─► Evaluator ─► Clusters ─► collector.Snapshot
//	       (parsed once)           │
//	                               ▼
//	         lag.Compute ─► policy.Decide ─► Evaluation
//	                                         (kept while the snapshot is the same)
//
// The [Registry] remembers triggers, bounds them, and forgets those that nobody asks
// about. The [Evaluator] decides about one: for GetMetrics ([Evaluator.Measure]),
// IsActive ([Evaluator.Activity]), a stream ([Evaluator.Follow]), and for people, who
// change nothing by looking ([Evaluator.Preview]).
//
// KEDA calls GetMetrics and then IsActive for one evaluation. Both answer from the
// same decision: Measure pins it for the Activity that follows.
//
// A trigger with targetLatency has a planner besides (plan.go), which [Evaluator.Plan] has
// observe once a second. What it decided last is the metric; how often KEDA asks changes
// nothing.
//
// Every method may be called from many goroutines. Locks are taken in this order: the
// registry's, then the entry's, then its plan's; none of them is held while a cluster is asked.
package scaledobject
