package collector

import (
	"sync"
	"sync/atomic"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/sweep"
)

// entry is a query that somebody asked about lately, as its readers see it.
type entry struct {
	of *store.Entry

	// asked is when somebody last asked, a stamp; 0 while nobody did more than peek.
	asked atomic.Int64
	// settled is set, and done closed, when the query's direct read has ended, well or not: from then on the
	// refresh covers it.
	settled atomic.Bool
	done    chan struct{}
	// came is when the entry was made.
	came store.Stamp

	watch watch

	view  atomic.Pointer[view]
	build sync.Mutex
}

// enter returns the query's entry, made now if there is none, and notes that somebody
// asked. The error is a *fault.Error: there are too many queries.
func (c *Collector) enter(q *Query) (*entry, error) { return c.find(q, true) }

// find is enter; asked says whether it counts as asking.
func (c *Collector) find(q *Query, asked bool) (*entry, error) {
	c.mu.RLock()
	e := c.entries[q.Key()]
	if e != nil && asked {
		e.asked.Store(int64(c.now()))
	}
	c.mu.RUnlock()
	if e != nil {
		return e, nil
	}
	return c.add(q, asked)
}

// add is find of a query that may be new.
func (c *Collector) add(q *Query, asked bool) (*entry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[q.Key()]
	if e == nil {
		if c.left {
			return nil, c.errEnded()
		}
		of, err := c.store.Add(q)
		if err != nil {
			return nil, err
		}
		e = &entry{of: of, done: make(chan struct{}), came: c.now()}
		c.entries[q.Key()] = e
		c.waiting = append(c.waiting, e)
		c.sweeper.Come()
	}
	if asked {
		e.asked.Store(int64(c.now()))
	}
	return e, nil
}

// queries are those that the sweeper reads.
type queries struct{ c *Collector }

// New returns the queries that are new.
func (q queries) New() []sweep.Newcomer {
	c := q.c
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := make([]sweep.Newcomer, len(c.waiting))
	for i, e := range c.waiting {
		waiting[i] = sweep.Newcomer{Entry: e.of, Came: e.came}
	}
	c.waiting = nil
	return waiting
}

// Settle says that a query's direct read has ended. The caller holds mu.
func (q queries) Settle(of *store.Entry) {
	if e := q.c.entries[of.Key()]; e != nil && e.of == of && !e.settled.Swap(true) {
		close(e.done)
	}
}

// Live forgets the queries that nobody has asked about for IdleAfter, with
// everything that only they needed, and returns those that remain in the refresh.
func (q queries) Live() []*store.Entry {
	c := q.c
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	oldest := int64(now - store.Stamp(c.opts.IdleAfter))
	// Whoever has not asked since the refresh before the last will want a newer snapshot.
	past := int64(now - store.Stamp(2*c.sweeper.Interval()))
	again := false
	live := make([]*store.Entry, 0, len(c.entries))
	for key, e := range c.entries {
		switch {
		case !e.settled.Load():
		case e.forgettable(oldest):
			delete(c.entries, key)
			c.store.Forget(e.of)
		default:
			live = append(live, e.of)
			again = again || e.of.Retries(now)
			if e.asked.Load() < past {
				e.view.Store(nil)
			}
		}
	}
	c.store.Tidy()
	if again {
		c.store.Reshape()
	}
	if n := len(c.entries); n != c.queries {
		c.queries = n
		c.opts.Observer.Queries(n)
	}
	return live
}

// forgettable reports whether nobody has asked since the oldest stamp that counts, nor waits.
func (e *entry) forgettable(oldest int64) bool {
	asked := e.asked.Load()
	return (asked == 0 || asked < oldest) && !e.watch.waited.Load()
}

// leave gives back what the queries took of the namespaces' quota.
func (c *Collector) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	for key, e := range c.entries {
		delete(c.entries, key)
		c.store.Forget(e.of)
	}
	c.store.Tidy()
}
