// Package kedaloop is what stands around the scaler in a cluster, without the
// cluster: KEDA's loop and the HorizontalPodAutoscaler that KEDA makes, for one
// ScaledObject with one external trigger.
//
// [KEDA] and [HPA] decide. They take the time as an argument, do no input or output,
// and restate KEDA 2.21's scale executor and Kubernetes 1.36's autoscaling controller.
// [Loop] runs them against a gRPC server with the calls that KEDA makes, in the order
// in which it makes them.
//
// Left out: fallback, idleReplicaCount, pausing, scalingModifiers, several triggers,
// the metric type Value (which depends on the readiness of pods), and StreamMetricSpec:
// the target is the one that the first GetMetricSpec gave, as in KEDA before 2.21.
package kedaloop
