package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// catalogAnswer is a list of all topics, or why there is none.
type catalogAnswer struct {
	topics []lag.Topic
	err    error
}

// list asks for the list of all topics, where a query needs it.
func (c *Collector) list(s *scope) step[struct{}, catalogAnswer] {
	return step[struct{}, catalogAnswer]{
		claim: func(id stamp) ([]struct{}, int) {
			if s.lists && c.claimCatalog(s, id) {
				return make([]struct{}, 1), 1
			}
			return nil, 0
		},
		ask: func(ctx context.Context, _ []struct{}, deliver func([]catalogAnswer)) {
			topics, err := c.source.Topics(ctx, nil)
			deliver([]catalogAnswer{{listed(topics), err}})
		},
		take: c.takeCatalog,
		miss: func(cl *call, _ struct{}) {
			c.takeCatalog(cl, &catalogAnswer{err: noAnswer("list the topics of", c.opts.Cluster)})
		},
	}
}

// describe asks which partitions the scope's topics have, where that is not known or
// not known lately.
func (c *Collector) describe(s *scope) step[string, lag.Topic] {
	return step[string, lag.Topic]{
		claim: func(id stamp) ([]string, int) {
			names := c.claimTopics(s, id)
			return names, len(names)
		},
		ask: func(ctx context.Context, names []string, deliver func([]lag.Topic)) {
			topics, err := c.source.Topics(ctx, names)
			if err != nil {
				topics = make([]lag.Topic, len(names))
				for i, name := range names {
					topics[i] = lag.Topic{Name: name, Err: err}
				}
			}
			deliver(topics)
		},
		take: func(cl *call, d *lag.Topic) {
			if t := c.topics[d.Name]; t != nil && t.describing == cl.id {
				cl.owed--
				c.noteAnswer(d.Err)
				c.takeTopic(t, *d, cl.id)
			}
		},
		miss: func(cl *call, name string) {
			if t := c.topics[name]; t != nil && t.describing == cl.id {
				failure := noAnswer("describe topic", name)
				c.noteAnswer(failure)
				c.takeTopic(t, lag.Topic{Name: name, Err: failure}, cl.id)
			}
		},
	}
}

// claimCatalog reports whether the list of all topics is to be asked for, and marks
// it as owed by the call. The caller holds mu.
func (c *Collector) claimCatalog(s *scope, id stamp) bool {
	l := &c.catalog
	due := l.asked == 0 || id-l.asked >= c.again()
	if l.pending != 0 || !due || l.asked >= s.began {
		return false
	}
	l.pending, l.asked = id, id
	for _, t := range s.topics {
		// The list describes these as well.
		if _, listed := l.find(t.name); listed && t.describing == 0 && t.err == nil && !t.stale {
			t.asked = id
		}
	}
	return true
}

// claimTopics returns the names of the topics that are to be described, and marks
// them as owed by the call. The caller holds mu.
func (c *Collector) claimTopics(s *scope, id stamp) (names []string) {
	for _, t := range s.topics {
		due := t.described == 0 || t.err != nil || t.stale || id-t.asked >= stamp(c.opts.TopicsInterval)
		if due && t.describing == 0 && t.asked < s.began {
			t.describing, t.asked = id, id
			names = append(names, t.name)
		}
	}
	return names
}

// takeTopic takes in what is said about one topic, asked for at a stamp. The caller holds mu.
func (c *Collector) takeTopic(t *topic, d lag.Topic, asked stamp) {
	before, failed := t.missingOrDenied(), t.err != nil
	changed := t.describe(d, asked, c.last)
	if changed {
		c.shape++
	}
	c.note(&t.seq, changed || failed != (t.err != nil))
	c.noteTopic(t, before)
}

// listed returns the topics that could be described, by name.
func listed(topics []lag.Topic) []lag.Topic {
	good := make([]lag.Topic, 0, len(topics))
	for _, t := range topics {
		if t.Err == nil {
			good = append(good, t)
		}
	}
	slices.SortFunc(good, func(a, b lag.Topic) int { return strings.Compare(a.Name, b.Name) })
	return good
}

// takeCatalog takes in the list of all topics. The caller holds mu.
func (c *Collector) takeCatalog(cl *call, answer *catalogAnswer) {
	l := &c.catalog
	if l.pending != cl.id {
		return
	}
	cl.owed = 0
	c.noteAnswer(answer.err)
	c.note(&l.seq, (l.err == nil) != (answer.err == nil))
	l.pending, l.err = 0, answer.err
	if answer.err != nil {
		l.failures++
		return
	}
	l.failures = 0
	same, before := l.same(answer.topics), l.refused
	if l.refused = nil; !same {
		l.refused = c.chargeCatalog(bytesOfList(answer.topics))
	}
	c.note(&l.seq, (l.refused == nil) != (before == nil))
	if l.refused != nil {
		l.err = l.refused
		return
	}
	if !same {
		l.topics, l.answered = answer.topics, true
		l.version++
		c.note(&l.seq, true)
		c.shape++
	}
	for i := range answer.topics {
		if t := c.topics[answer.topics[i].Name]; t != nil && t.describing == 0 {
			c.takeTopic(t, answer.topics[i], cl.id)
		}
	}
}

// noAnswer is the failure of what a call of the source left out, against its contract.
func noAnswer(op, name string) error {
	return &fault.Error{
		Kind: fault.Internal, Op: op, Object: fmt.Sprintf("%q", name), Err: errNoAnswer,
		Remedy: "report this as a defect",
	}
}
