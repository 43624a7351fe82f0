// Package e2e tests the whole loop: a real Kubernetes control plane, real KEDA,
// real Kafka, and the scaler as it is released, with real consumers in the place
// of pods. One test is one scenario; docs/e2e shows what came of them.
package e2e
