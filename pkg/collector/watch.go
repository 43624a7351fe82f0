package collector

import (
	"sync"
	"sync/atomic"
)

// watchers are the entries that somebody waits for. A publication wakes those only
// that it has news for: thousands of streams that wake every second, to find what
// they knew, would keep those waiting who ask a question.
type watchers struct {
	mu      sync.Mutex
	entries []*entry
}

// watch is what those who wait for an entry know. The mutex of watchers guards all but waited.
type watch struct {
	// waited is set while somebody waits, which counts as asking, or did so until lately.
	waited atomic.Bool
	// news is closed when there is something new; nil while nobody waits.
	news chan struct{}
	// moved and built are those of the oldest snapshot that any of them has.
	moved uint64
	built stamp
}

// news returns what is closed once there is more to know of the entry than after
// says.
func (c *Collector) news(e *entry, after *Snapshot) <-chan struct{} {
	var moved uint64
	var built stamp
	if after != nil {
		moved, built = after.moved, after.built
	}
	c.watchers.mu.Lock()
	defer c.watchers.mu.Unlock()
	w := &e.watch
	if w.news == nil {
		w.news, w.moved, w.built = make(chan struct{}), moved, built
		w.waited.Store(true)
		c.watchers.entries = append(c.watchers.entries, e)
	}
	w.moved, w.built = min(w.moved, moved), min(w.built, built)
	return w.news
}

// tell wakes those who wait for what has news. The caller holds mu.
func (c *Collector) tell() {
	c.watchers.mu.Lock()
	defer c.watchers.mu.Unlock()
	kept := c.watchers.entries[:0]
	for _, e := range c.watchers.entries {
		if !c.isOld(e, e.watch.moved, e.watch.built) {
			kept = append(kept, e)
			continue
		}
		close(e.watch.news)
		e.watch.news = nil
		e.watch.waited.Store(false)
	}
	clear(c.watchers.entries[len(kept):])
	c.watchers.entries = kept
}

// outdated reports whether there is more to know of the entry than after says.
func (c *Collector) outdated(e *entry, after *Snapshot) bool {
	if after == nil {
		return true
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.isOld(e, after.moved, after.built)
}

// isOld reports whether a snapshot of the entry shows other numbers than are
// published, or was built too long ago. That does not matter to those who are
// inactive while brokers watch over all that they look at, unless they look at ages,
// which grow by themselves. The caller holds mu, be it for reading.
func (c *Collector) isOld(e *entry, moved uint64, built stamp) bool {
	if min(c.lastMoved(e), c.published.Load()) > moved {
		return true
	}
	return c.now()-built >= stamp(e.MaxAge/2) && (e.Ages || !e.idle.awaited.Load())
}

// noteLate lets the publication after the next have news of a group whose commits
// came late: they are shown with the log ends that are asked for after them. The
// caller holds mu.
func (c *Collector) noteLate(cl *call, group string) {
	if g := c.groups[group]; g != nil && cl.late {
		g.moved = c.next() + 1
	}
}
