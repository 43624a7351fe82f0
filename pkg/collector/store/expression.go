package store

import (
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Expression is a topicRegex, and which topics of the cluster it matches. Queries with
// the same one share it. It is matched by a [Match], which needs no store.
type Expression struct {
	text  string
	match func(topic string) bool
	// topics is the list that it was matched with, of the catalog's version; 0 before the first.
	topics  []lag.Topic
	version uint64
	// names are those that match, sorted, and matched is how many they are. With more than MaxMatchedTopics
	// they are not kept.
	names   []string
	matched int
	// matching is closed once the match under way has ended; nil where none is.
	matching chan struct{}
	// awaited is set once somebody has asked when the match will have ended.
	awaited bool
	visited uint64
	// unused is set while no query has it any more.
	unused bool
}

// expression returns that of the subscription.
func (s *Store) expression(sub *Subscription) *Expression {
	x := s.expressions[sub.TopicRegex]
	if x == nil {
		x = &Expression{text: sub.TopicRegex, match: sub.MatchTopic}
		s.expressions[sub.TopicRegex] = x
	}
	x.unused = false
	return x
}

// matched returns the subscription's expression, and whether it was matched with the newest
// list of topics. Where it was not, that is begun.
func (s *Store) matched(sub *Subscription) (x *Expression, newest bool) {
	x = s.expression(sub)
	if x.version == s.catalog.version || !s.catalog.answered {
		return x, true
	}
	if x.matching == nil {
		x.matching, x.awaited = make(chan struct{}), false
		s.unmatched = append(s.unmatched, x)
	}
	return x, false
}

// MatchBy has an expression matched by a function instead of its text. It is for tests that need a slow one.
func (s *Store) MatchBy(text string, match func(topic string) bool) {
	s.expressions[text] = &Expression{text: text, match: match}
}

// IsMatching reports whether the topics that the subscription selects are not known yet,
// because its expression is being matched.
func (s *Store) IsMatching(sub *Subscription) bool {
	if sub.TopicRegex == "" {
		return false
	}
	x := s.expressions[sub.TopicRegex]
	return x != nil && x.matching != nil
}

// Match is one expression that is being matched with one list of topics.
type Match struct {
	x       *Expression
	topics  []lag.Topic
	version uint64
	// before is the list at the last match, and beforeNames are the names that matched then: none of the list is
	// matched again. known is false where those names were too many to be kept.
	before      []lag.Topic
	beforeNames []string
	known       bool
	// at and old are how far the lists are walked.
	at, old int
	names   []string
	matched int
}

// Over reports whether all names are matched.
func (j *Match) Over() bool { return j.at == len(j.topics) }

// Step goes on until enough says so, which is asked after each name.
func (j *Match) Step(enough func() bool) {
	for j.at < len(j.topics) {
		name := j.topics[j.at].Name
		j.at++
		if j.matches(name) {
			j.take(name)
		}
		if enough() {
			return
		}
	}
}

func (j *Match) matches(name string) bool {
	for j.old < len(j.before) && j.before[j.old].Name < name {
		j.old++
	}
	if j.known && j.old < len(j.before) && j.before[j.old].Name == name {
		_, matched := slices.BinarySearch(j.beforeNames, name)
		return matched
	}
	return j.x.match(name)
}

func (j *Match) take(name string) {
	if j.matched++; j.matched <= MaxMatchedTopics {
		j.names = append(j.names, name)
	}
}

// Rematch returns the matches that have been begun and not taken in: those that a panic has left undone.
func (s *Store) Rematch() []*Match {
	s.unmatched = nil
	var jobs []*Match
	for _, x := range s.expressions {
		if x.matching != nil {
			jobs = append(jobs, newMatch(s, x))
		}
	}
	return jobs
}

// Unmatched returns the matches that are to be made since the last call.
func (s *Store) Unmatched() []*Match {
	jobs := make([]*Match, 0, len(s.unmatched))
	for _, x := range s.unmatched {
		jobs = append(jobs, newMatch(s, x))
	}
	s.unmatched = nil
	return jobs
}

func newMatch(s *Store, x *Expression) *Match {
	return &Match{
		x: x, topics: s.catalog.topics, version: s.catalog.version,
		before: x.topics, beforeNames: x.names, known: x.version != 0 && x.matched <= MaxMatchedTopics,
	}
}

// TakeMatches takes in, and publishes, what the matches have shown.
func (s *Store) TakeMatches(done []*Match) {
	if len(done) == 0 {
		return
	}
	for _, j := range done {
		x := j.x
		close(x.matching)
		x.matching = nil
		if x.unused {
			delete(s.expressions, x.text)
		}
		if !j.Over() {
			continue // it has panicked
		}
		x.topics, x.version = j.topics, j.version
		if j.matched > MaxMatchedTopics {
			j.names = nil
		}
		x.names, x.matched = slices.Clip(j.names), j.matched
	}
	s.needsVersion++
	s.Publish()
}
