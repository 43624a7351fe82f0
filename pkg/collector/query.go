package collector

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// Query asks for the offsets of one consumer group that a trigger looks at. Build
// it once a trigger, with [NewQuery] or [NewQueries], and use it for every call: it
// carries its own key.
type Query = store.Query

// Snapshot is one consistent view of a query's offsets. It is never changed
// after it is published, and two calls between two refreshes return the same
// pointer, so that a caller may keep what it computed from one.
type Snapshot = store.Snapshot

// Version numbers what is published of a query: it grows with every change. 0 is
// older than all, and says that nothing was seen yet.
type Version = store.Version

// NewQuery returns the query for a selection. Two queries for the same selection
// and age are one to a collector, whoever built them.
func NewQuery(s trigger.Selection, maxAge time.Duration) *Query { return store.NewQuery(s, maxAge) }

// NewQueries returns one query for each of the selection's consumer groups, in their order, on behalf of a namespace.
func NewQueries(s trigger.Selection, maxAge time.Duration, namespace string) []*Query {
	return store.NewQueries(s, maxAge, namespace)
}

// NothingToDiscover is the *fault.Error of a query that names no topic, about a group without commits.
func NothingToDiscover(group string) error { return store.NothingToDiscover(group) }
