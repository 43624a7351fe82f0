// Package sweep decides when to read what of a cluster, asks for it, and has the
// store take in the answers.
//
// A refresh covers everything that is asked about, by default every second; what
// sleeps, and is watched by brokers, only every SleepInterval (refresh.go, asleep.go).
// Queries that are new share direct reads, one at a time, and join the
// refresh when theirs has ended (direct.go). Both are a sweep (sweep.go): a row of steps,
// each of which claims what is due, asks, and takes what comes (step.go). The steps are
// in topics.go, commits.go, logs.go, probes.go and ages.go.
//
// A broker that is slow or gone delays its own partitions only: each step waits for a
// short grace and goes on without it, the others' numbers are published, and what it
// still owes is not asked again until it has answered or failed (call.go).
//
// Only the goroutines of the loops and calls use a [Sweeper]. What it remembers of an
// answer under way is changed within Write, and of a query by the loop that it
// belongs to.
package sweep
