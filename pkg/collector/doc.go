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
// A broker that is slow or gone delays its own partitions only: the others'
// numbers are published without it, and what it still owes from an earlier round
// is not asked again until it has answered or failed. A failed read never removes
// a number; the number grows old, carries the error, and its reader decides by
// its age.
//
// Queries that nobody asked about for IdleAfter leave the refresh. A cluster that
// nobody asks about is not spoken to at all.
package collector
