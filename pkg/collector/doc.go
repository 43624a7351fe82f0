// Package collector keeps what is known of one Kafka cluster fresh, so that no
// caller ever waits for Kafka while a young enough snapshot exists.
//
// One [Collector] serves one cluster and one credential. Everything that any
// caller asks about is the union that a background refresh reads, by default
// every second: first the committed offsets of all groups, one request a
// coordinator, then the log ends of all partitions, one request a leader. So the
// number of requests grows with the brokers and not with the callers, and a log
// end is never older than the commit it is compared with.
//
//	Snapshot(q) ──► known and young enough?  ──yes──► answer from memory
//	                     │no
//	                     └─► join the one direct read in flight, within a deadline
//
//	Run ──every interval──► commits of all groups ─► log ends of all partitions ─► publish
//
// A failed read never removes a number; the number grows old, carries the error, and
// its reader decides by its age. Queries that nobody asked about for IdleAfter leave the
// refresh. A cluster that nobody asks about is not spoken to at all.
//
// Whoever is inactive, and wants to know at once when there is work again, asks
// with WaitForRecords. The brokers then hold requests open until a record comes;
// what they tell is published to those concerned, and the refresh goes on as the net
// below, at SleepInterval.
//
// # Rooms
//
// The work is done in three rooms, none of which knows the collector:
//
//	store     what is known, as a library without lock, goroutine, clock or network
//	sweep     when to read what, and having the store take the answers in
//	longpoll  the waits for records at the brokers
//
// This package is what holds them together: the one lock around the store, the
// goroutines, and the readers.
//
//	collector.go, options.go  the parts, and what each is given
//	subscription.go                  who asks, and until when
//	wait.go, view.go          what readers see; watch.go who of them has news
//	panics.go                 what becomes of a panic
//
// Each room keeps its own state of a query: the store what it selects, sweep how long it
// has been the same, longpoll whether streams sleep on it, and this package who reads it.
//
// # Locks
//
// Where one is taken while another is held, it is in this order:
//
//  1. subscription.build, so that one reader of a query builds its snapshot
//  2. Collector.mu, around the store and the table of queries
//  3. watchers.mu, around those who wait; the mutex of longpoll's sleepers; that of Quota
//
// None of them is held while the source is called, or while anything is waited for. The
// rooms know no lock: sweep and longpoll are given [store.Access].
package collector
