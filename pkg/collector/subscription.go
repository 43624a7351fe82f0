package collector

import (
	"sync"
	"sync/atomic"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/sweep"
)

// subscription is a query that somebody asked about lately, as its readers see it.
type subscription struct {
	of *store.Subscription

	// asked is when somebody last asked, a stamp; 0 while nobody did more than peek.
	asked atomic.Int64
	// settled is set, and done closed, when the query's direct read has ended, well or not: from then on the
	// refresh covers it.
	settled atomic.Bool
	done    chan struct{}
	// came is when the subscription was made.
	came store.Stamp

	watch watch

	view  atomic.Pointer[view]
	build sync.Mutex
}

// enter returns the query's subscription, made now if there is none, and notes that somebody
// asked. The error is a *fault.Error: there are too many queries.
func (c *Collector) enter(q *Query) (*subscription, error) { return c.find(q, true) }

// find is enter; asked says whether it counts as asking.
func (c *Collector) find(q *Query, asked bool) (*subscription, error) {
	c.mu.RLock()
	sub := c.subscriptions[q.Key()]
	if sub != nil && asked {
		sub.asked.Store(int64(c.now()))
	}
	c.mu.RUnlock()
	if sub != nil {
		return sub, nil
	}
	return c.add(q, asked)
}

// add is find of a query that may be new.
func (c *Collector) add(q *Query, asked bool) (*subscription, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sub := c.subscriptions[q.Key()]
	if sub == nil {
		if c.left {
			return nil, c.errEnded()
		}
		of, err := c.store.Add(q)
		if err != nil {
			return nil, err
		}
		sub = &subscription{of: of, done: make(chan struct{}), came: c.now()}
		c.subscriptions[q.Key()] = sub
		c.waiting = append(c.waiting, sub)
		c.sweeper.Come()
	}
	if asked {
		sub.asked.Store(int64(c.now()))
	}
	return sub, nil
}

// queries are those that the sweeper reads.
type queries struct{ c *Collector }

// New returns the queries that are new.
func (q queries) New() []sweep.Newcomer {
	c := q.c
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := make([]sweep.Newcomer, len(c.waiting))
	for i, sub := range c.waiting {
		waiting[i] = sweep.Newcomer{Subscription: sub.of, Came: sub.came}
	}
	c.waiting = nil
	return waiting
}

// Settle says that a query's direct read has ended. The caller holds mu.
func (q queries) Settle(of *store.Subscription) {
	if sub := q.c.subscriptions[of.Key()]; sub != nil && sub.of == of && !sub.settled.Swap(true) {
		close(sub.done)
	}
}

// Live forgets the queries that nobody has asked about for IdleAfter, with
// everything that only they needed, and returns those that remain in the refresh.
func (q queries) Live() []*store.Subscription {
	c := q.c
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	oldest := int64(now - store.Stamp(c.opts.IdleAfter))
	// Whoever has not asked since the refresh before the last will want a newer snapshot.
	past := int64(now - store.Stamp(2*c.sweeper.Interval()))
	again := false
	live := make([]*store.Subscription, 0, len(c.subscriptions))
	for key, sub := range c.subscriptions {
		switch {
		case !sub.settled.Load():
		case sub.forgettable(oldest):
			delete(c.subscriptions, key)
			c.store.Forget(sub.of)
		default:
			live = append(live, sub.of)
			again = again || sub.of.Retries(now)
			if sub.asked.Load() < past {
				sub.view.Store(nil)
			}
		}
	}
	c.store.Tidy()
	if again {
		c.store.NeedsChanged()
	}
	if n := len(c.subscriptions); n != c.queries {
		c.queries = n
		c.opts.Observer.Queries(n)
	}
	return live
}

// forgettable reports whether nobody has asked since the oldest stamp that counts, nor waits.
func (sub *subscription) forgettable(oldest int64) bool {
	// In this order: whoever ends a wait asks first.
	if sub.watch.waiters.Load() > 0 {
		return false
	}
	asked := sub.asked.Load()
	return asked == 0 || asked < oldest
}

// leave gives back what the queries took of the namespaces' quota.
func (c *Collector) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	for key, sub := range c.subscriptions {
		delete(c.subscriptions, key)
		c.store.Forget(sub.of)
	}
	c.store.Tidy()
}
