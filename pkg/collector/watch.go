package collector

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
)

// watchers are the subscriptions that somebody waits for. A publication wakes those only
// that it has news for: thousands of streams that wake every second, to find what
// they knew, would keep those waiting who ask a question.
type watchers struct {
	mu            sync.Mutex
	subscriptions []*subscription
}

// watch is what those who wait for a subscription know. The mutex of watchers guards all but the atomics, and waiters
// grows only while it is held.
type watch struct {
	// waiters is how many wait, which counts as asking.
	waiters atomic.Int32
	// listed is set while the subscription is among those of watchers.
	listed atomic.Bool
	// news is closed when there is something new; nil while it is not listed.
	news chan struct{}
	// seen is the oldest that any of them has seen.
	seen Version
	// at is its place in the list.
	at int
}

// news returns what is closed once the subscription has a version after that. Whoever has waited for it calls part.
func (c *Collector) news(sub *subscription, after Version) <-chan struct{} {
	c.watchers.mu.Lock()
	defer c.watchers.mu.Unlock()
	w := &sub.watch
	if w.news == nil {
		w.news, w.seen = make(chan struct{}), after
		w.at = len(c.watchers.subscriptions)
		w.listed.Store(true)
		c.watchers.subscriptions = append(c.watchers.subscriptions, sub)
	}
	w.waiters.Add(1)
	w.seen = min(w.seen, after)
	return w.news
}

// part ends a wait. A subscription that nobody waits for any more, and that has no news, leaves the list: or else it would
// be waited for until there is some, and that may be never.
func (c *Collector) part(sub *subscription) {
	w := &sub.watch
	sub.asked.Store(int64(c.now()))
	if w.waiters.Add(-1) > 0 || !w.listed.Load() {
		return
	}
	c.watchers.mu.Lock()
	defer c.watchers.mu.Unlock()
	if w.waiters.Load() == 0 && w.news != nil {
		c.watchers.remove(sub)
	}
}

// remove takes a subscription from the list. The caller holds mu.
func (w *watchers) remove(sub *subscription) {
	sub.watch.news = nil
	sub.watch.listed.Store(false)
	last := len(w.subscriptions) - 1
	moved := w.subscriptions[last]
	w.subscriptions[sub.watch.at], moved.watch.at = moved, sub.watch.at
	w.subscriptions[last] = nil
	w.subscriptions = w.subscriptions[:last]
}

const (
	// tellChunk is how many subscriptions are checked before others get a turn.
	tellChunk = 256
	// wakeAtOnce is how many of those who wait are woken before there is a pause: each then takes a snapshot and
	// decides, and whoever asks a question meanwhile stands behind all of them.
	wakeAtOnce = 16
)

// tellNews tells of publications until ctx ends.
func (c *Collector) tellNews(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.untold:
			c.tell(ctx)
		}
	}
}

// tell wakes those who wait for what has news.
func (c *Collector) tell(ctx context.Context) {
	turn := pace.New().Of(ctx)
	turn.Begin()
	defer turn.End()
	// From the last to the first, so that a subscription which takes the place of one that is removed was checked before.
	for next := math.MaxInt; next >= 0; {
		var woken int
		if next, woken = c.tellSome(next); woken == wakeAtOnce {
			turn.Rest()
		}
		turn.Pause()
	}
}

// tellSome checks some subscriptions, from the given one down, and returns the next and how many had news.
func (c *Collector) tellSome(from int) (next, woken int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	w := &c.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	at := min(from, len(w.subscriptions)-1)
	for least := at - tellChunk; at >= 0 && at > least && woken < wakeAtOnce; at-- {
		sub := w.subscriptions[at]
		if c.versionOf(sub) <= sub.watch.seen {
			continue
		}
		woken++
		close(sub.watch.news)
		w.remove(sub)
	}
	return at, woken
}

// version is that of the subscription's newest numbers or errors that are published.
func (c *Collector) version(sub *subscription) Version {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.versionOf(sub)
}

// versionOf is version for a caller who holds mu, be it for reading.
func (c *Collector) versionOf(sub *subscription) Version {
	return Version(min(c.store.Latest(sub.of).Changed, c.store.Published())) + 1
}
