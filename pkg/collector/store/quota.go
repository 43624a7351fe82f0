package store

import (
	"fmt"
	"sync"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Bounds of what is read and remembered, see collector.Options and [NewQuota]. They follow from
// what a query and a position take (docs/operations.md has the figures): one namespace
// that takes all it may leaves the process below 256 MiB, and 10,000 ScaledObjects of ten
// partitions each are a third of a cluster's bounds.
const (
	DefaultMaxQueries           = 30_000
	DefaultMaxPositions         = 300_000
	DefaultMaxPositionsPerQuery = 50_000
	DefaultMaxTopicsPerQuery    = 5_000

	DefaultNamespaceQueries   = 12_000
	DefaultNamespacePositions = 120_000
)

// What queries take of the memory, in bytes, while somebody reads them. BenchmarkBytes and BenchmarkWorstNamespace
// measure somewhat less.
const (
	QueryBytes    = 1500
	TopicBytes    = 400
	PositionBytes = 500
)

// namespaceShare is how much of the memory of all namespaces one may take, in percent.
const namespaceShare = 75

// Quota bounds what all collectors that share it take together, and what each namespace may take of that. Its
// methods may be called from any goroutine.
type Quota struct {
	// most is what a namespace may take, and bytes what all may; 0 is any number.
	most  usage
	bytes int64

	mu sync.Mutex
	// used is what each namespace takes; one that takes nothing has no subscription.
	used map[string]usage
	// all is what everything takes.
	all usage
}

// NewQuota returns a quota of so many queries and positions for each namespace; 0 means the default. A
// query is a consumer group and what a trigger reads of it; a position is one partition of one query.
// All of them, with the lists of all topics that expressions are matched with, may take about so many bytes of
// memory, and one namespace three quarters of that; 0 is any number.
func NewQuota(queries, positions int, bytes int64) *Quota {
	q := &Quota{most: usage{queries: queries, positions: positions}, bytes: max(0, bytes), used: map[string]usage{}}
	if queries <= 0 {
		q.most.queries = DefaultNamespaceQueries
	}
	if positions <= 0 {
		q.most.positions = DefaultNamespacePositions
	}
	return q
}

// usage is what is taken, or may be.
type usage struct {
	// topics are counted once for each query.
	queries, topics, positions int
	// listed is what the lists of all topics take, in bytes.
	listed int
}

func (u usage) plus(more usage) usage {
	return usage{u.queries + more.queries, u.topics + more.topics, u.positions + more.positions, u.listed + more.listed}
}

// bytes is about how much memory it takes.
func (u usage) bytes() int64 {
	return int64(u.queries)*QueryBytes + int64(u.topics)*TopicBytes + int64(u.positions)*PositionBytes + int64(u.listed)
}

// within returns why u, which would be more by some than what is in use, does not fit into so many bytes; nil where it does.
func (u usage) within(bytes int64, more usage) error {
	if n := more.bytes(); n > 0 && u.bytes() > bytes {
		return fmt.Errorf("queries and topics take %d of %d bytes, and this takes %d more", u.bytes()-n, bytes, n)
	}
	return nil
}

// over returns what of u, which would be more by some than what is in use, is more than may be; nil for nothing.
func (u usage) over(most, more usage) error {
	switch {
	case more.queries > 0 && u.queries > most.queries:
		return fmt.Errorf("%d of %d queries are in use", u.queries-more.queries, most.queries)
	case more.positions > 0 && u.positions > most.positions:
		return fmt.Errorf("%d of %d positions are in use, and this takes %d more", u.positions-more.positions, most.positions, more.positions)
	}
	return nil
}

// take charges the namespace, or returns why it may not have more: a bound of its own, or that of all. Giving back
// always works.
func (q *Quota) take(namespace string, more usage) (own, all error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	next := q.used[namespace].plus(more)
	if err := next.over(q.most, more); err != nil {
		return err, nil
	}
	if q.bytes > 0 {
		if err := next.within(q.bytes/100*namespaceShare, more); err != nil {
			return err, nil
		}
	}
	if err := q.takeOfAll(more); err != nil {
		return nil, err
	}
	if next == (usage{}) {
		delete(q.used, namespace)
	} else {
		q.used[namespace] = next
	}
	return nil, nil
}

// takeList charges what no namespace has: the list of all topics of a cluster. Giving back always works.
func (q *Quota) takeList(more int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.takeOfAll(usage{listed: more})
}

// takeOfAll charges all, or returns why there is no more. The caller holds mu.
func (q *Quota) takeOfAll(more usage) error {
	next := q.all.plus(more)
	if q.bytes > 0 {
		if err := next.within(q.bytes, more); err != nil {
			return err
		}
	}
	q.all = next
	return nil
}

// charge takes what a query needs more, or less, from the cluster's bounds and the namespace's. The error is
// a *fault.Error, and nothing is taken.
func (s *Store) charge(q *Query, more usage) error {
	next := s.used.plus(more)
	if err := next.over(usage{queries: s.opts.MaxQueries, positions: s.opts.MaxPositions}, more); err != nil {
		return refused(q, fmt.Errorf("the cluster's bound: %w", err), "spread the ScaledObjects of this cluster over several scalers")
	}
	own, all := s.opts.Quota.take(q.Namespace, more)
	switch {
	case own != nil:
		return refused(q, fmt.Errorf("the bound of namespace %q: %w", q.Namespace, own),
			"delete ScaledObjects of the namespace that are not needed, name fewer topics, or spread them over several namespaces")
	case all != nil:
		return exhausted("read", fmt.Sprintf("group %q", q.ConsumerGroup), all)
	}
	s.used = next
	return nil
}

// exhausted is the refusal of what all clusters together have no room for.
func exhausted(op, object string, err error) error {
	return &fault.Error{
		Kind: fault.Exhausted, Op: op, Object: object, Err: fmt.Errorf("the bound of all clusters: %w", err),
		Remedy: "raise GOMEMLIMIT together with the memory limit of the pod, or spread the ScaledObjects over several scalers",
	}
}

func refused(q *Query, err error, remedy string) error {
	return &fault.Error{Kind: fault.Precondition, Op: "read", Object: fmt.Sprintf("group %q", q.ConsumerGroup), Err: err, Remedy: remedy}
}

// admit charges the subscription for the named topics, as far as their partitions are known.
func (s *Store) admit(sub *Subscription, names []string, now Stamp) error {
	if n, most := len(names), s.opts.MaxTopicsPerQuery; n > most {
		return s.dismiss(sub, now, refused(sub.Query, fmt.Errorf("it selects %d topics, and a trigger may have %d of them", n, most),
			"name fewer topics, or write several triggers"))
	}
	positions, known := 0, true
	for _, name := range names {
		// One that is not known yet takes room too.
		n, described := s.partitions(name)
		positions += max(n, 1)
		known = known && described
	}
	if most := s.opts.MaxPositionsPerQuery; positions > most {
		return s.dismiss(sub, now, refused(sub.Query, fmt.Errorf("it selects %d partitions, and a trigger may have %d of them", positions, most),
			"name fewer topics, or write several triggers"))
	}
	if more := (usage{topics: len(names) - sub.charged.topics, positions: positions - sub.charged.positions}); more != (usage{}) {
		if err := s.charge(sub.Query, more); err != nil {
			return s.dismiss(sub, now, err)
		}
		sub.charged = sub.charged.plus(more)
	}
	// A refusal stands until what was too much is known to be so no more.
	if sub.refused != nil && known {
		sub.refused = nil
		s.note(&sub.seq, true)
	}
	return nil
}

// partitions returns how many the topic has, and whether that is known.
func (s *Store) partitions(topic string) (n int, known bool) {
	if t := s.topics[topic]; t != nil {
		return len(t.ids), t.described != 0 || t.err != nil
	}
	listed, known := s.catalog.find(topic)
	return len(listed.Partitions), known
}

// dismiss takes from the subscription all that it holds.
func (s *Store) dismiss(sub *Subscription, now Stamp, why error) error {
	s.unfollow(sub)
	if sub.refused == nil || sub.refused.Error() != why.Error() {
		s.note(&sub.seq, true)
	}
	sub.catalog = 0
	sub.refused, sub.retry = why, now+Stamp(s.opts.TopicsInterval)
	return why
}

// unfollow takes its topics from a subscription.
func (s *Store) unfollow(sub *Subscription) {
	for _, gt := range sub.selected {
		gt.users--
	}
	if len(sub.selected) > 0 {
		sub.selected, s.untidy = nil, true
		s.note(&sub.seq, true)
	}
	// Giving back always works.
	_ = s.charge(sub.Query, usage{topics: -sub.charged.topics, positions: -sub.charged.positions})
	sub.charged = usage{}
}

// Used is how many namespaces take something, and about how many bytes everything takes.
func (q *Quota) Used() (namespaces int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.used), q.all.bytes()
}

// Positions is how many positions the namespace is charged for.
func (q *Quota) Positions(namespace string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.used[namespace].positions
}
