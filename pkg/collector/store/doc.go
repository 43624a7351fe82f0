// Package store holds what is known of one Kafka cluster: topics with their logs,
// groups with their commits, the topics that each query selects, what was seen in
// logs, and how old records are.
//
// A [Store] has no lock, no goroutine, no clock and no network. Its caller holds a
// lock around every method, be it for reading where a method changes nothing, and
// passes the present as a [Stamp]. So all of it can be tested as one sequence of
// events:
//
//	Add(query)                        somebody asks
//	Union(subscriptions)                    what is to be read for them
//	Claim…(call), Survey…(call)       what a call asks for; the store remembers that the call owes it
//	Take…(answer, call)               what the call has brought
//	Publish, Latest, Snapshot         what readers see
//
// An answer that comes late must not be combined with whatever is there: a commit
// received after the log end had been asked for would hide work. So each partition
// keeps the newest commit, the one that fits the log end known, and the one that
// fits the log end on its way (positions.go).
//
// Whatever changes is noted in one place, change.go, with the publication that shows
// it. What operators are to be told is left as an [Event].
//
//	subscription.go, resolve.go     a query, and which topics it selects now; quota.go what it may take
//	catalog.go, expression.go  the list of all topics, and which of them a topicRegex matches
//	topic.go, logs.go        a topic, its partitions and its logs; epochs.go which of two leaders is the older one
//	group.go, commits.go     a group, and what its coordinator says; interest.go what its members subscribe to
//	positions.go             the commits of a partition; probe.go and age.go what else is known of it
//	union.go, progress.go    what several queries need together, and what of it is still missing
//	snapshot.go              what readers see
//	access.go                how several rooms share a store
package store
