package collector

import (
	"context"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

const (
	// matchSlice is how long one expression is matched before it is the next one's turn: one that takes long
	// delays its own queries.
	matchSlice = 2 * time.Millisecond
	// matchGrace is how long a sweep waits for the expressions of its queries to be matched. Most take less than a
	// millisecond for a thousand names.
	matchGrace = 50 * time.Millisecond
)

// expression is a topicRegex, and which topics of the cluster it matches. Queries with
// the same one share it. It is matched without the lock, by matchTopics.
type expression struct {
	text  string
	match func(topic string) bool
	// topics is the list that it was matched with, of the catalog's version; 0 before the first.
	topics  []lag.Topic
	version uint64
	// names are those that match, sorted, and matched is how many they are. With more than maxMatchedTopics
	// they are not kept.
	names   []string
	matched int
	// matching is closed once the match under way has ended; nil where none is.
	matching chan struct{}
	// awaited is set once a sweep has waited for it.
	awaited bool
	mark    uint64
	// unused is set while no query has it any more.
	unused bool
}

// expression returns that of the entry. The caller holds mu.
func (c *Collector) expression(e *entry) *expression {
	x := c.expressions[e.TopicRegex]
	if x == nil {
		x = &expression{text: e.TopicRegex, match: e.MatchTopic}
		c.expressions[e.TopicRegex] = x
	}
	x.unused = false
	return x
}

// matched returns the entry's expression, and whether it was matched with the newest
// list of topics. Where it was not, that is begun. The caller holds mu.
func (c *Collector) matched(e *entry) (x *expression, newest bool) {
	x = c.expression(e)
	if x.version == c.catalog.version || !c.catalog.answered {
		return x, true
	}
	if x.matching == nil {
		x.matching, x.awaited = make(chan struct{}), false
		c.unmatched = append(c.unmatched, x)
		signal(c.match)
	}
	return x, false
}

// isMatching reports whether the topics that the entry selects are not known yet,
// because its expression is being matched. The caller holds mu, be it for reading.
func (c *Collector) isMatching(e *entry) bool {
	if e.TopicRegex == "" {
		return false
	}
	x := c.expressions[e.TopicRegex]
	return x != nil && x.matching != nil
}

// awaitMatches gives the expressions of the scope's queries a moment, once each.
func (c *Collector) awaitMatches(ctx context.Context, s *scope) {
	var matching []chan struct{}
	c.locked(func() {
		c.compose(s)
		for _, x := range s.expressions {
			if x.matching != nil && !x.awaited {
				x.awaited = true
				matching = append(matching, x.matching)
			}
		}
	})
	if len(matching) == 0 {
		return
	}
	grace := time.NewTimer(matchGrace)
	defer grace.Stop()
	for _, done := range matching {
		select {
		case <-done:
		case <-grace.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// matchTopics matches expressions until ctx ends, each for a moment in turn.
func (c *Collector) matchTopics(ctx context.Context) {
	turn := pace.New().Of(ctx)
	turn.Begin()
	defer turn.End()
	jobs := c.rematch()
	for ctx.Err() == nil {
		jobs = append(jobs, c.takeUnmatched()...)
		if len(jobs) == 0 {
			turn.Wait(func() {
				select {
				case <-ctx.Done():
				case <-c.match:
				}
			})
			continue
		}
		open := jobs[:0]
		done := make([]*matchJob, 0, len(jobs))
		for _, job := range jobs {
			// A panic must not have the others matched from the start again and again.
			if !c.guard("topicRegex", job.step) || job.over() {
				done = append(done, job)
			} else {
				open = append(open, job)
			}
			turn.Pause()
			if ctx.Err() != nil {
				return
			}
		}
		clear(jobs[len(open):])
		jobs = open
		c.takeMatches(done)
	}
}

// matchJob is one expression that is being matched with one list of topics.
type matchJob struct {
	x       *expression
	topics  []lag.Topic
	version uint64
	// before are the list and the names that matched at the last match: those are not matched again. known is
	// false where the latter were too many to be kept.
	before []lag.Topic
	names  []string
	known  bool
	// at and old are how far the lists are walked.
	at, old int
	found   []string
	matched int
}

func (j *matchJob) over() bool { return j.at == len(j.topics) }

// step goes on for a moment.
func (j *matchJob) step() {
	began := time.Now()
	for j.at < len(j.topics) {
		name := j.topics[j.at].Name
		j.at++
		if j.matches(name) {
			j.take(name)
		}
		if time.Since(began) >= matchSlice {
			return
		}
	}
}

func (j *matchJob) matches(name string) bool {
	for j.old < len(j.before) && j.before[j.old].Name < name {
		j.old++
	}
	if j.known && j.old < len(j.before) && j.before[j.old].Name == name {
		_, matched := slices.BinarySearch(j.names, name)
		return matched
	}
	return j.x.match(name)
}

func (j *matchJob) take(name string) {
	if j.matched++; j.matched <= maxMatchedTopics {
		j.found = append(j.found, name)
	}
}

// rematch returns the matches that a panic has left undone.
func (c *Collector) rematch() []*matchJob {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unmatched = nil
	var jobs []*matchJob
	for _, x := range c.expressions {
		if x.matching != nil {
			jobs = append(jobs, c.matchJob(x))
		}
	}
	return jobs
}

func (c *Collector) takeUnmatched() []*matchJob {
	c.mu.Lock()
	defer c.mu.Unlock()
	jobs := make([]*matchJob, 0, len(c.unmatched))
	for _, x := range c.unmatched {
		jobs = append(jobs, c.matchJob(x))
	}
	c.unmatched = nil
	return jobs
}

func (c *Collector) matchJob(x *expression) *matchJob {
	return &matchJob{
		x: x, topics: c.catalog.topics, version: c.catalog.version,
		before: x.topics, names: x.names, known: x.version != 0 && x.matched <= maxMatchedTopics,
	}
}

// takeMatches takes in what the matches have shown.
func (c *Collector) takeMatches(done []*matchJob) {
	if len(done) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, j := range done {
		x := j.x
		close(x.matching)
		x.matching = nil
		if x.unused {
			delete(c.expressions, x.text)
		}
		if !j.over() {
			continue // it has panicked
		}
		x.topics, x.version = j.topics, j.version
		if j.matched > maxMatchedTopics {
			j.found = nil
		}
		x.names, x.matched = slices.Clip(j.found), j.matched
	}
	c.shape++
	c.publish()
}
