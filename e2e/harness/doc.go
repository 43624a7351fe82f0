// Package harness sets the stage of a scenario: a control plane with KEDA, Kafka
// and the scaler, all of them real processes and shared by the scenarios of a
// run, and for each scenario its own namespace, workloads, time line and, where
// it fails, the logs of every process.
package harness
