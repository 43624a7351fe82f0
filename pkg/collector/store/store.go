package store

import (
	"sync/atomic"
	"time"
)

// Store is what is known of one cluster. See the package for who may call what when.
type Store struct {
	opts Options
	// published counts publications; it is changed by whoever may change the store, and read by anyone.
	published atomic.Uint64
	// last is the newest stamp that was given.
	last Stamp
	// needsVersion changes whenever requests may have to be composed again. visit changes with every walk over what
	// there is: what carries its number was visited by the walk.
	needsVersion, visit uint64
	subscriptions       map[*Subscription]struct{}
	groups              map[string]*Group
	topics              map[string]*Topic
	// expressions are those of the subscriptions, and unmatched those of them that are to be matched.
	expressions map[string]*Expression
	unmatched   []*Expression
	catalog     catalog
	// used is what the queries take of the bounds.
	used usage
	// untidy is set when topics or groups may be left that nobody needs.
	untidy bool
	outbox Outbox
}

// Options are the bounds of a store, and how often what is known is asked for again. All
// are set by the caller.
type Options struct {
	// Cluster is the cluster's name in errors.
	Cluster string
	// Epoch is the zero of the store's stamps.
	Epoch time.Time
	// MaxQueries and MaxPositions bound what all queries take together, MaxTopicsPerQuery and
	// MaxPositionsPerQuery what one does, and Quota what those of a namespace do.
	MaxQueries, MaxPositions                int
	MaxTopicsPerQuery, MaxPositionsPerQuery int
	Quota                                   *Quota
	// Interval is the time between two refreshes at first, TopicsInterval how often topics are described, and
	// StartInterval how often log starts are read.
	Interval, TopicsInterval, StartInterval time.Duration
}

// New returns a store that knows nothing.
func New(opts Options) *Store {
	return &Store{
		opts:          opts,
		subscriptions: make(map[*Subscription]struct{}),
		groups:        make(map[string]*Group),
		topics:        make(map[string]*Topic),
		expressions:   make(map[string]*Expression),
	}
}

// NeedsVersion is another number whenever requests that were composed before may have to be composed again.
func (s *Store) NeedsVersion() uint64 { return s.needsVersion }

// NeedsChanged has all requests composed again.
func (s *Store) NeedsChanged() { s.needsVersion++ }

// Published counts the publications. Anyone may call it at any time.
func (s *Store) Published() uint64 { return s.published.Load() }

// Publish lets readers see what has changed.
func (s *Store) Publish() {
	s.published.Add(1)
	s.outbox.Published = true
}

// Show is Publish for what concerns few, who are told by the caller.
func (s *Store) Show() { s.published.Add(1) }

// Size is how many queries, groups, topics and expressions a store holds, how many topics its list of all of
// them has, and how many queries, topics and positions are charged to the bounds.
type Size struct {
	Queries, Groups, Topics, Expressions, Listed    int
	ChargedQueries, ChargedTopics, ChargedPositions int
}

// Size counts what there is.
func (s *Store) Size() Size {
	return Size{
		len(s.subscriptions), len(s.groups), len(s.topics), len(s.expressions), len(s.catalog.topics),
		s.used.queries, s.used.topics, s.used.positions,
	}
}

// Room is for how many positions of the group there is memory.
func (s *Store) Room(group string) (n int) {
	if g := s.groups[group]; g != nil {
		for _, topics := range g.topics {
			for _, gt := range topics {
				n += cap(gt.parts)
			}
		}
	}
	return n
}

// Outbox is what the caller has to hand on.
type Outbox struct {
	// Events are for operators.
	Events []Event
	// Published says that readers may have news, and Unmatched that there are expressions to be matched.
	Published, Unmatched bool
}

// Outbox returns what is to be handed on since the last call.
func (s *Store) Outbox() Outbox {
	out := s.outbox
	out.Unmatched = len(s.unmatched) > 0
	s.outbox = Outbox{}
	return out
}

// Event is something that operators are to be told.
type Event struct {
	What EventKind
	// Topic is what it is about, and Err why.
	Topic string
	Err   error
}

// EventKind is what has happened.
type EventKind uint8

const (
	// TopicUnreadable says that the topic cannot be described any more: it does not exist, or may not be seen.
	TopicUnreadable EventKind = iota
	// TopicReadable says that it can be described again.
	TopicReadable
	// RecordsUnreadable says that the topic's records may not be read, so that phantom lag of it counts.
	RecordsUnreadable
)

func (s *Store) tell(what EventKind, topic string, err error) {
	s.outbox.Events = append(s.outbox.Events, Event{what, topic, err})
}

// Release makes everything free to be asked for again, whatever was claimed. The answers
// of calls that are still running are then ignored.
func (s *Store) Release() {
	for _, g := range s.groups {
		g.pending, g.interests.pending = 0, 0
		for _, topics := range g.topics {
			for _, gt := range topics {
				gt.release()
			}
		}
	}
	for _, t := range s.topics {
		t.describing = 0
		for at := range t.logs {
			for i := range t.logs[at].reads {
				t.logs[at].reads[i].pending = 0
			}
		}
	}
	s.catalog.pending = 0
	s.needsVersion++
}

// release lets go of the probes and searches under way.
func (gt *GroupTopic) release() {
	for _, l := range gt.probes {
		l.pending = 0
	}
	for _, a := range gt.ages {
		a.pending = 0
	}
	gt.searching = 0
}
