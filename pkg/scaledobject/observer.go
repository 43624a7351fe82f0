package scaledobject

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// Observer is told of the decisions about all triggers: for metrics, say. Its
// methods are called from many goroutines and must not block.
type Observer interface {
	// Observe is called once for each trigger that is remembered. metric is its name without KEDA's sN-
	// prefix, and empty for metadata that is no trigger. Several triggers may have the same three names:
	// the one that was edited and the one that replaced it, for a while.
	Observe(namespace, name, metric string) Series
}

// Series is told of the decisions about one trigger, for as long as it is remembered.
type Series interface {
	// Decided is called when a decision was made again, with the time of it and all its steps. d.Err is set
	// where KEDA gets an error. It is never called after Close.
	Decided(d policy.Decision, at time.Time)
	// Planned is called when the planner of targetLatency has made a decision, and when the last one stops
	// counting, which is then on hold. It is never called after Close.
	Planned(d latency.Decision)
	// Close is called once, when the trigger is forgotten.
	Close()
}
