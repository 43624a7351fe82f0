// Package latency decides how many replicas keep records within their time, as cheaply as
// possible: the trigger parameter targetLatency.
//
// One [Planner] belongs to one trigger. [Planner.Observe] takes what Kafka says about the
// group, about once a second; [Planner.Recall] takes arrivals of the past, read from the log.
// A decision is made whenever an observation passes the next multiple of [Interval] on the
// clock, and [Planner.Decide] only reads it: how often it is called changes nothing, and two
// planners that see the same make the same decision.
//
// The package is pure: no Kafka, no clock, no log.
package latency
