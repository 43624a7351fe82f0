package store

import (
	"slices"
	"strconv"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// Query asks for the offsets of one consumer group that a trigger looks at. Build
// it once a trigger, with [NewQuery] or [NewQueries], and use it for every call: it
// carries its own key.
type Query struct {
	// Selection is that of the trigger. Of its groups, only ConsumerGroup is asked about.
	trigger.Selection
	// MaxAge is how old an answer from memory may be before what is wrong with a topic or group becomes an
	// error of the snapshot. Whether the numbers themselves are too old is for lag.Compute to say.
	MaxAge time.Duration
	// Namespace is who asks, for the bounds of [Options]. It is no part of what makes two queries one: the
	// first who asks is charged.
	Namespace string
	key       string
}

// NewQuery returns the query for a selection. Two queries for the same selection
// and age are one to a collector, whoever built them.
func NewQuery(s trigger.Selection, maxAge time.Duration) *Query {
	s.Topics = slices.Compact(slices.Sorted(slices.Values(s.Topics)))
	return &Query{Selection: s, MaxAge: maxAge, key: queryKey(s, maxAge)}
}

// Key is the same for queries that are one.
func (q *Query) Key() string { return q.key }

// Size estimates the memory that the query itself takes, in bytes: its key names all topics again.
func (q *Query) Size() int {
	const fixed, perTopic = 400, 16
	return fixed + len(q.key) + perTopic*len(q.Topics)
}

// NewQueries returns one query for each of the selection's consumer groups, in their order, on behalf of a namespace.
func NewQueries(s trigger.Selection, maxAge time.Duration, namespace string) []*Query {
	groups := s.ConsumerGroups
	if len(groups) == 0 {
		groups = []string{s.ConsumerGroup}
	}
	queries := make([]*Query, len(groups))
	for i, group := range groups {
		s.ConsumerGroup = group
		queries[i] = NewQuery(s, maxAge)
		queries[i].Namespace = namespace
	}
	return queries
}

func queryKey(s trigger.Selection, maxAge time.Duration) string {
	b := strconv.AppendQuote(nil, s.ConsumerGroup)
	b = strconv.AppendInt(append(b, ' '), int64(maxAge), 10)
	b = strconv.AppendBool(append(b, ' '), s.ReadCommitted)
	b = strconv.AppendBool(append(b, ' '), s.AllTopicsWithoutCommit)
	b = strconv.AppendBool(append(b, ' '), s.Ages)
	b = strconv.AppendBool(append(b, ' '), s.Inspect)
	b = strconv.AppendInt(append(b, ' '), int64(s.DiscoveredTopicExpiry), 10)
	for _, topic := range s.Topics {
		b = strconv.AppendQuote(append(b, ' '), topic)
	}
	b = strconv.AppendQuote(append(b, ' '), s.TopicRegex)
	// A set is sorted and merged as it is made; no limit and the empty set have different names.
	b = append(append(b, " of "...), s.Partitions.String()...)
	return string(b)
}

// Snapshot is one consistent view of a query's offsets. It is never changed
// after it is published, and two calls between two refreshes return the same
// pointer, so that a caller may keep what it computed from one.
type Snapshot struct {
	// Group is whose offsets these are, and what is known of it. Its kind is asked for rarely, and unknown
	// until then.
	Group lag.Group
	// Offsets are the selected partitions, sorted by topic and partition.
	Offsets []lag.Offsets
	// ObservedAt is the oldest ObservedAt of Offsets; the zero time where one was never read.
	ObservedAt time.Time
	// Err says what is wrong with the query as a whole: a named topic does not exist, the group may not
	// be read, no topic could be discovered. Offsets then lacks what it names. It is nil while the last
	// known good is young enough.
	Err error
}

// Version numbers what is published of a query: it grows with every change. 0 is
// older than all, and says that nothing was seen yet.
type Version uint64
