package store

import "github.com/kafka-scaler/kafka-scaler/pkg/lag"

// Subscription is what is known of a query as such: what it selects, and what it takes of the bounds.
type Subscription struct {
	*Query
	group     *Group
	isolation lag.Position
	// selected are the group's positions in the topics that the query selects, by name.
	selected []*GroupTopic
	// catalog is the version of the catalog whose match with the expression was last taken up.
	catalog uint64
	// matched is how many topics the expression matched then: with too many of them, none is selected.
	matched int
	seq     Sequence
	// charged are the topics and positions that it is charged for. refused is why it may not have what it selects, and
	// retry when that is tried again.
	charged usage
	refused error
	retry   Stamp
}

// Add makes a subscription for a query that has none. The error is a *fault.Error: there are too
// many queries.
func (s *Store) Add(q *Query) (*Subscription, error) {
	if err := s.charge(q, usage{queries: 1}); err != nil {
		return nil, err
	}
	sub := &Subscription{Query: q, group: s.group(q.ConsumerGroup), isolation: isolationOf(q.ReadCommitted)}
	s.subscriptions[sub] = struct{}{}
	s.demand(sub)
	return sub, nil
}

// demand makes the group ask for what the query needs.
func (s *Store) demand(sub *Subscription) {
	if sub.discovers() {
		sub.group.discover[sub.isolation] = true
	}
}

// discovers reports whether the query is about whatever the group has commits for.
func (sub *Subscription) discovers() bool { return len(sub.Topics) == 0 && sub.TopicRegex == "" }

// Forget removes a subscription, and gives back what it took. What only it needed goes with the
// next [Store.Tidy].
func (s *Store) Forget(sub *Subscription) {
	delete(s.subscriptions, sub)
	s.unfollow(sub)
	_ = s.charge(sub.Query, usage{queries: -1}) // giving back always works
	s.untidy = true
}

// Retries reports whether the subscription may not have what it selects, and it is time to see
// whether it may now.
func (sub *Subscription) Retries(now Stamp) bool { return sub.refused != nil && now >= sub.retry }

// Selected are the positions that the subscription selects. The caller changes nothing of them.
func (sub *Subscription) Selected() []*GroupTopic { return sub.selected }

// Tidy forgets the groups and topics that no query needs any more.
func (s *Store) Tidy() {
	if s.untidy {
		s.prune()
	}
}

// prune forgets the groups and topics that no query needs.
func (s *Store) prune() {
	s.untidy = false
	s.needsVersion++
	s.visit++
	listing := false
	for _, g := range s.groups {
		g.discover = [2]bool{}
	}
	for sub := range s.subscriptions {
		s.demand(sub)
		sub.group.visited = s.visit
		listing = listing || sub.mayList()
		if x := s.expressions[sub.TopicRegex]; x != nil {
			x.visited = s.visit
		}
		for _, gt := range sub.selected {
			gt.topic.visited = s.visit
		}
	}
	for name, g := range s.groups {
		if g.visited != s.visit {
			delete(s.groups, name)
			continue
		}
		g.dropUnused()
	}
	for name, t := range s.topics {
		if t.visited != s.visit {
			delete(s.topics, name)
		}
	}
	for text, x := range s.expressions {
		// One that is being matched stays until that is over, so that there is never a second match of the same.
		if x.unused = x.visited != s.visit; x.unused && x.matching == nil {
			delete(s.expressions, text)
		}
	}
	if !listing {
		s.dropCatalog()
	}
}

// group returns the group of that name.
func (s *Store) group(name string) *Group {
	g := s.groups[name]
	if g == nil {
		g = &Group{name: name}
		s.groups[name] = g
	}
	return g
}

// topic returns the topic of that name.
func (s *Store) topic(name string) *Topic {
	t := s.topics[name]
	if t == nil {
		t = &Topic{name: name}
		if listed, ok := s.catalog.find(name); ok {
			t.asked = s.catalog.asked
			t.describe(listed, s.catalog.asked, s.catalog.asked)
		}
		s.topics[name] = t
	}
	return t
}
