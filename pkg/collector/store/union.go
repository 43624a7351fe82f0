package store

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Union is what some queries need together, with the requests for it. It is never changed
// once it is composed: calls that are still running hold the requests.
type Union struct {
	// groups are those that there is something to ask about, and commits what.
	groups      []*Group
	commits     []lag.GroupTopics
	topics      []*Topic
	ends        [2]LogScope
	groupTopics []*GroupTopic
	// wants is what is asked of each of groupTopics besides offsets.
	wants []Wants
	// any is what is asked of any of them.
	any Wants
	// positions is how many partitions of groups there are, youngest the least age that any query allows.
	positions int
	youngest  time.Duration
	// expressions are those of the queries.
	expressions []*Expression
	// lists is whether the list of all topics is needed, and discovers whether any group's topics are discovered.
	lists, discovers bool
}

// Wants is what a query can ask for besides offsets.
type Wants uint8

const (
	// WantsProbes is to have the log probed where a small lag stands still.
	WantsProbes Wants = 1 << iota
	// WantsAges is the age of the oldest unconsumed record.
	WantsAges
)

func (sub *Subscription) wants() (w Wants) {
	if sub.Inspect {
		w |= WantsProbes
	}
	if sub.Ages {
		w |= WantsAges
	}
	return w
}

// Union brings up to date which topics the queries select, and composes what they need.
func (s *Store) Union(subs []*Subscription, now Stamp) *Union {
	s.visit++
	u := &Union{}
	for _, sub := range subs {
		s.resolve(sub, now)
		if x := s.expressions[sub.TopicRegex]; x != nil && x.visited != s.visit {
			x.visited = s.visit
			u.expressions = append(u.expressions, x)
		}
		if u.youngest == 0 || sub.MaxAge < u.youngest {
			u.youngest = sub.MaxAge
		}
		u.lists = u.lists || sub.lists()
		if sub.group.visited != s.visit {
			sub.group.visited = s.visit
			u.groups = append(u.groups, sub.group)
		}
		for _, gt := range sub.selected {
			s.unite(u, gt, sub.wants())
		}
	}
	asked := u.groups[:0]
	for _, g := range u.groups {
		if ask, needed := g.asks(); needed {
			asked, u.commits = append(asked, g), append(u.commits, ask)
			u.discovers = u.discovers || g.discovers()
		}
	}
	clear(u.groups[len(asked):])
	u.groups = asked
	return u
}

func (s *Store) unite(u *Union, gt *GroupTopic, w Wants) {
	t := gt.topic
	if gt.visited != s.visit {
		gt.visited, gt.index = s.visit, len(u.groupTopics)
		u.groupTopics, u.wants = append(u.groupTopics, gt), append(u.wants, 0)
		u.positions += len(t.ids)
	}
	u.wants[gt.index] |= w
	u.any |= w
	if t.visited != s.visit {
		t.visited = s.visit
		u.topics = append(u.topics, t)
	}
	if t.endsVisited[gt.isolation] != s.visit {
		t.endsVisited[gt.isolation] = s.visit
		u.ends[gt.isolation].add(t, t.ids)
	}
}

// Positions is how many partitions of groups the queries select, and youngest the least age that any of them
// allows: 0 where there is no query.
func (u *Union) Positions() (n int, youngest time.Duration) { return u.positions, u.youngest }

// Ends are the requests for the log ends that one isolation level is measured to.
func (u *Union) Ends(at lag.Position) *LogScope { return &u.ends[at] }

// Reads reports whether any of those log ends is read.
func (u *Union) Reads(at lag.Position) bool { return len(u.ends[at].topics) > 0 }

// Lists reports whether the list of all topics is needed.
func (u *Union) Lists() bool { return u.lists }

// Discovers reports whether the topics of any group are discovered.
func (u *Union) Discovers() bool { return u.discovers }

// Len is how many topics of groups there are.
func (u *Union) Len() int { return len(u.groupTopics) }

// Wants reports whether any of the queries asks for something besides offsets.
func (u *Union) Wants(w Wants) bool { return u.any&w != 0 }

// At is one of them, and what is asked of it besides offsets.
func (u *Union) At(i int) (*GroupTopic, Wants) { return u.groupTopics[i], u.wants[i] }

// Matching returns what is closed once the expressions of the queries that are being matched have been,
// each for the first time that it is asked for.
func (u *Union) Matching() (matching []<-chan struct{}) {
	for _, x := range u.expressions {
		if x.matching != nil && !x.awaited {
			x.awaited = true
			matching = append(matching, x.matching)
		}
	}
	return matching
}
