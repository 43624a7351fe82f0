// Package metrics holds the scaler's Prometheus metrics, in a registry of its
// own. [Metrics] implements the observers of the packages that do the work; those
// know nothing of Prometheus. docs/metrics.md lists all metrics and is generated.
//
// No series outlives its object: those of a decision vanish when the trigger is
// forgotten, those of a cluster when the cluster is.
package metrics
