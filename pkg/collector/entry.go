package collector

import (
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// entry is a query that somebody asked about lately.
type entry struct {
	*Query
	group *group
	kind  lag.Position
	// tracked are the group's positions in the topics selected, by name.
	tracked []*tracked
	// catalog is the version of the catalog whose match with the expression was last taken up.
	catalog uint64
	// matched is how many topics the expression matched then: with too many of them, none is tracked.
	matched int
	seq     sequence
	// charged are the topics and positions that it is charged for. refused is why it may not have what it selects, and
	// retry when that is looked at again.
	charged usage
	refused error
	retry   stamp

	// asked is when somebody last asked, a stamp; 0 while nobody did more than peek.
	asked atomic.Int64
	// settled is set, and done closed, when the query's direct read has ended, well or not: from then on the
	// refresh covers it.
	settled atomic.Bool
	done    chan struct{}
	// due is when the direct read is over even if an answer is still missing.
	due stamp
	// tried is set once a direct read has asked for it.
	tried bool

	idle  idleness
	watch watch
	calm  calm

	view  atomic.Pointer[view]
	build sync.Mutex
}

// enter returns the query's entry, made now if there is none, and notes that somebody
// asked. The error is a *fault.Error: there are too many queries.
func (c *Collector) enter(q *Query) (*entry, error) { return c.find(q, true) }

// find is enter; asked says whether it counts as asking.
func (c *Collector) find(q *Query, asked bool) (*entry, error) {
	c.mu.RLock()
	e := c.entries[q.key]
	if e != nil && asked {
		e.asked.Store(int64(c.now()))
	}
	c.mu.RUnlock()
	if e != nil {
		return e, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e = c.entries[q.key]; e == nil {
		if c.left {
			return nil, c.errEnded()
		}
		if err := c.charge(q, usage{queries: 1}); err != nil {
			return nil, err
		}
		e = &entry{
			Query: q, group: c.group(q.ConsumerGroup), kind: kindOf(q.ReadCommitted), done: make(chan struct{}),
			due: c.now() + stamp(c.opts.FirstReadTimeout),
		}
		c.entries[q.key] = e
		c.waiting = append(c.waiting, e)
		c.demand(e)
		signal(c.fresh)
	}
	if asked {
		e.asked.Store(int64(c.now()))
	}
	return e, nil
}

// demand makes the group ask for what the query needs. The caller holds mu.
func (c *Collector) demand(e *entry) {
	if e.discovers() {
		e.group.discover[e.kind] = true
	}
}

// discovers reports whether the query is about whatever the group has commits for.
func (e *entry) discovers() bool { return len(e.Topics) == 0 && e.TopicRegex == "" }

// settle hands a query over from the direct read to the refresh. The caller holds mu.
func (c *Collector) settle(e *entry) {
	if e.settled.Swap(true) {
		return
	}
	close(e.done)
	c.shape++
	signal(c.awake)
}

// dropIdle forgets the queries that nobody has asked about for IdleAfter, with
// everything that only they needed, and returns those that remain in the refresh.
func (c *Collector) dropIdle() []*entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	oldest := int64(c.now() - stamp(c.opts.IdleAfter))
	// Whoever has not asked since the refresh before the last will want a newer snapshot.
	past := int64(c.now() - stamp(2*c.interval()))
	again := false
	live := make([]*entry, 0, len(c.entries))
	for key, e := range c.entries {
		switch {
		case !e.settled.Load():
		case e.forgettable(oldest):
			delete(c.entries, key)
			c.forget(e)
		default:
			live = append(live, e)
			again = again || e.refused != nil && c.now() >= e.retry
			if e.asked.Load() < past {
				e.view.Store(nil)
			}
		}
	}
	if c.untidy {
		c.prune()
	}
	if again {
		c.shape++
	}
	if n := len(c.entries); n != c.queries {
		c.queries = n
		c.opts.Observer.Queries(n)
	}
	return live
}

// forget gives back what an entry took that is none any more. The caller holds mu.
func (c *Collector) forget(e *entry) {
	c.unfollow(e)
	_ = c.charge(e.Query, usage{queries: -1}) // giving back always works
	c.untidy = true
}

// forgettable reports whether nobody has asked since the oldest stamp that counts, nor waits.
func (e *entry) forgettable(oldest int64) bool {
	asked := e.asked.Load()
	return (asked == 0 || asked < oldest) && !e.watch.waited.Load()
}

// prune forgets the groups and topics that no query needs. The caller holds mu.
func (c *Collector) prune() {
	c.untidy = false
	c.shape++
	c.marks++
	listing := false
	for _, g := range c.groups {
		g.discover = [2]bool{}
	}
	for _, e := range c.entries {
		c.demand(e)
		e.group.mark = c.marks
		listing = listing || e.mayList()
		if x := c.expressions[e.TopicRegex]; x != nil {
			x.mark = c.marks
		}
		for _, tr := range e.tracked {
			tr.topic.mark = c.marks
		}
	}
	for name, g := range c.groups {
		if g.mark != c.marks {
			delete(c.groups, name)
			continue
		}
		g.dropUnused()
	}
	for name, t := range c.topics {
		if t.mark != c.marks {
			delete(c.topics, name)
		}
	}
	for text, x := range c.expressions {
		// One that is being matched stays until that is over, so that there is never a second match of the same.
		if x.unused = x.mark != c.marks; x.unused && x.matching == nil {
			delete(c.expressions, text)
		}
	}
	if !listing {
		c.dropCatalog()
	}
}

// group returns the group of that name. The caller holds mu.
func (c *Collector) group(name string) *group {
	g := c.groups[name]
	if g == nil {
		g = &group{name: name}
		c.groups[name] = g
	}
	return g
}

// topic returns the topic of that name. The caller holds mu.
func (c *Collector) topic(name string) *topic {
	t := c.topics[name]
	if t == nil {
		t = &topic{name: name}
		if listed, ok := c.catalog.find(name); ok {
			t.asked = c.catalog.asked
			t.describe(listed, c.catalog.asked, c.catalog.asked)
		}
		c.topics[name] = t
	}
	return t
}

// noteTopic logs that a topic can no longer, or again, be read, given whether it
// was missing or denied before. The caller holds mu.
func (c *Collector) noteTopic(t *topic, before bool) {
	switch {
	case !before && t.missingOrDenied():
		c.opts.Logger.Error("topic cannot be read", zap.String("cluster", c.opts.Cluster), zap.String("topic", t.name), zap.Error(t.err))
	case before && t.err == nil:
		c.opts.Logger.Info("topic can be read again", zap.String("cluster", c.opts.Cluster), zap.String("topic", t.name))
	}
}

// age is how long ago a stamp was, at least 0.
func (c *Collector) age(s stamp) time.Duration { return time.Duration(max(0, c.now()-s)) }

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
