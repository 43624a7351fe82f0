package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// describe asks which partitions the scope's topics have, where that is not known
// or not known lately, and lists all topics where a query needs it.
func (c *Collector) describe(ctx context.Context, s *scope, timeout time.Duration) int {
	var id stamp
	var lists bool
	var names []string
	c.locked(func() {
		c.compose(s)
		id = c.tick()
		lists = s.lists && c.claimCatalog(s, id)
		names = c.claimTopics(s, id)
	})
	var calls [2]*call
	if ctx.Err() != nil {
		return 0
	}
	if lists {
		calls[0] = c.start(ctx, timeout, id, 1, func(ctx context.Context, cl *call) {
			topics, err := c.source.Topics(ctx, nil)
			c.takeCatalog(cl, topics, err)
		}, func(cl *call) { c.takeCatalog(cl, nil, errNoAnswer) })
	}
	if len(names) > 0 {
		calls[1] = c.start(ctx, timeout, id, len(names), func(ctx context.Context, cl *call) {
			topics, err := c.source.Topics(ctx, names)
			c.takeTopics(cl, names, topics, err)
		}, func(cl *call) { c.takeTopics(cl, names, nil, nil) })
	}
	if calls == [2]*call{} {
		return 0
	}
	return c.await(ctx, calls[:]...)
}

// claimCatalog reports whether the list of all topics is to be asked for, and marks
// it as owed by the call. The caller holds mu.
func (c *Collector) claimCatalog(s *scope, id stamp) bool {
	l := &c.catalog
	due := l.asked == 0 || l.err != nil || id-l.asked >= stamp(c.opts.TopicsInterval)
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

// takeTopics takes in the answer to a call for named topics.
func (c *Collector) takeTopics(cl *call, names []string, topics []lag.Topic, err error) {
	c.inChunks(cl, len(topics), func(i int) {
		if t := c.topics[topics[i].Name]; t != nil && t.describing == cl.id {
			cl.owed--
			c.noteAnswer(topics[i].Err)
			c.takeTopic(t, topics[i], cl.id)
		}
	})
	if !c.owes(cl) {
		return
	}
	c.inChunks(cl, len(names), func(i int) {
		t := c.topics[names[i]]
		if t == nil || t.describing != cl.id {
			return
		}
		failure := err
		if failure == nil {
			failure = noAnswer("describe topic", t.name)
		}
		c.noteAnswer(failure)
		c.takeTopic(t, lag.Topic{Name: t.name, Err: failure}, cl.id)
	})
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

// takeCatalog takes in the list of all topics.
func (c *Collector) takeCatalog(cl *call, topics []lag.Topic, err error) {
	listed := make([]lag.Topic, 0, len(topics))
	for _, t := range topics {
		if t.Err == nil {
			listed = append(listed, t)
		}
	}
	slices.SortFunc(listed, func(a, b lag.Topic) int { return strings.Compare(a.Name, b.Name) })
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.catalog.pending != cl.id {
		return
	}
	cl.owed = 0
	c.noteAnswer(err)
	l := &c.catalog
	c.note(&l.seq, (l.err == nil) != (err == nil))
	l.pending, l.err = 0, err
	if err == nil {
		if !l.same(listed) {
			l.topics, l.answered = listed, true
			l.version++
			c.note(&l.seq, true)
			c.shape++
		}
		for i := range listed {
			if t := c.topics[listed[i].Name]; t != nil && t.describing == 0 {
				c.takeTopic(t, listed[i], cl.id)
			}
		}
	}
	if cl.late {
		c.publish()
	}
}

// noAnswer is the failure of what a call of the source left out, against its contract.
func noAnswer(op, name string) error {
	return &fault.Error{
		Kind: fault.Internal, Op: op, Object: fmt.Sprintf("%q", name), Err: errNoAnswer,
		Remedy: "report this as a defect",
	}
}
