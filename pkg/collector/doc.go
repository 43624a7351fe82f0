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
// A broker that is slow or gone delays its own partitions only: each step of a
// refresh waits for a short grace and goes on without it, the others' numbers are
// published, and what it still owes is not asked again until it has answered or
// failed. A failed read never removes a number; the number grows old, carries the
// error, and its reader decides by its age.
//
// An answer that comes late must not be combined with whatever is there: a commit
// received after the log end had been asked for would hide work. So each partition
// keeps the newest commit, the one that fits the log end known, and the one that
// fits the log end on its way (positions.go).
//
// Queries that are new are gathered into direct reads, one at a time, and join the
// refresh when theirs has ended (direct.go). Queries that nobody asked about for
// IdleAfter leave it. A cluster that nobody asks about is not spoken to at all.
//
// Whoever is inactive, and wants to know at once when there is work again, asks
// with WaitForRecords. The brokers then hold requests open until a record comes
// (waiter.go); what they tell is published to those concerned, and the refresh goes
// on as the net below, at SleepInterval.
//
//	entry.go, resolve.go     who asks, and which topics that means now
//	topic.go, group.go       what is known; commits.go takes in what the group coordinators say
//	scope.go                 the requests for some queries, kept while nothing changes
//	sweep.go                 one round over a scope: describe.go, commits, readlogs.go, publish
//	refresh.go, direct.go    when to sweep what; asleep.go what needs no more than a rare look, lull.go what
//	                         a sweep need not walk over again
//	snapshot.go, wait.go     what readers see; watch.go who of them has news
//	idle.go, waiter.go       who waits for records; waitpass.go and gathering.go what is waited on, wake.go what
//	                         comes of it, doubt.go what is no reason to wake
package collector
