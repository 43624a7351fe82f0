// Package wake measures how long a sleeping workload sleeps on after a record has
// arrived: from the producer's acknowledgement to the true on the stream that KEDA
// holds, on three real brokers. `make bench-wake` runs it; its figures are in
// docs/performance.md.
package wake
