package collector

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// scope is what a sweep covers, with the requests for it. It is kept from one
// refresh to the next, so that a refresh of what has not changed composes nothing.
type scope struct {
	entries []*entry
	// taken is the version of entries, of a scope that is kept.
	taken uint64
	// shape is that of the collector when the rest was composed, and of the version of entries that it was
	// composed for: a query may have joined in between, which is in the shape, and not in entries.
	shape, of uint64
	// began is when the sweep began.
	began stamp

	// groups are those that there is something to ask about, and commits what.
	groups  []*group
	commits []lag.GroupTopics
	topics  []*topic
	ends    [2]logScope
	tracked []*tracked
	// wants is what beside offsets is asked of each of tracked.
	wants []wants
	// positions is how many partitions of groups there are, youngest the least age that any query allows.
	positions int
	youngest  time.Duration
	// expressions are those of the entries.
	expressions []*expression
	// lists is whether the list of all topics is needed.
	lists bool
}

// wants is what a query can ask for beside offsets.
type wants uint8

const (
	// wantsLooks: looks into the log where a small lag stands still.
	wantsLooks wants = 1 << iota
	// wantsAges: the age of the oldest unconsumed record.
	wantsAges
)

func (e *entry) wants() (w wants) {
	if e.Inspect {
		w |= wantsLooks
	}
	if e.Ages {
		w |= wantsAges
	}
	return w
}

// logScope are the topics that one position of the log is read of.
type logScope struct {
	topics []*topic
	asks   []lag.TopicPartitions
}

func (l *logScope) add(t *topic) {
	if len(t.ids) > 0 {
		l.topics = append(l.topics, t)
		l.asks = append(l.asks, lag.TopicPartitions{Topic: t.name, Partitions: t.ids})
	}
}

// compose brings the scope's requests up to date. The caller holds mu.
func (c *Collector) compose(s *scope) {
	if s.shape == c.shape && s.of == s.taken && s.groups != nil {
		return
	}
	c.marks++
	// Calls that are still running hold the old requests, so these are made anew and not over them.
	*s = scope{entries: s.entries, taken: s.taken, of: s.taken, began: s.began, groups: make([]*group, 0, len(s.groups))}
	var groups []*group
	for _, e := range s.entries {
		c.resolve(e)
		if x := c.expressions[e.TopicRegex]; x != nil && x.mark != c.marks {
			x.mark = c.marks
			s.expressions = append(s.expressions, x)
		}
		if s.youngest == 0 || e.MaxAge < s.youngest {
			s.youngest = e.MaxAge
		}
		s.lists = s.lists || e.lists()
		if e.group.mark != c.marks {
			e.group.mark = c.marks
			groups = append(groups, e.group)
		}
		for _, tr := range e.tracked {
			c.composeTopic(s, tr, e.wants())
		}
	}
	for _, g := range groups {
		if ask, needed := g.asks(); needed {
			s.groups = append(s.groups, g)
			s.commits = append(s.commits, ask)
		}
	}
	s.shape = c.shape
}

func (c *Collector) composeTopic(s *scope, tr *tracked, w wants) {
	t := tr.topic
	if tr.mark != c.marks {
		tr.mark, tr.index = c.marks, len(s.tracked)
		s.tracked, s.wants = append(s.tracked, tr), append(s.wants, 0)
		s.positions += len(t.ids)
	}
	s.wants[tr.index] |= w
	if t.mark != c.marks {
		t.mark = c.marks
		s.topics = append(s.topics, t)
	}
	if t.marks[tr.kind] != c.marks {
		t.marks[tr.kind] = c.marks
		s.ends[tr.kind].add(t)
	}
}
