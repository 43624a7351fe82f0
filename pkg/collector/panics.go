package collector

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// restartAfter is the pause before a loop that has panicked runs again.
const restartAfter = time.Second

// guard runs do. A panic ends do, and nothing else: it is counted and logged. Every
// goroutine of the collector begins with a guard, and so does every call that others
// make into it and must come back from.
func (c *Collector) guard(where string, do func()) (well bool) {
	defer func() {
		if well {
			return
		}
		c.opts.Observer.Panicked(where)
		c.opts.Logger.Error("a defect of kafka-scaler: panic in the collector; report it with this stack",
			zap.String("cluster", c.opts.Cluster), zap.String("where", where), zap.Any("panic", recover()), zap.Stack("stack"))
	}()
	do()
	return true
}

// loop runs one of the collector's loops until ctx ends. After a panic it begins again
// with what is known: numbers that cannot be read meanwhile grow old, and their readers
// learn of it.
func (c *Collector) loop(ctx context.Context, where string, run func(context.Context)) {
	for !c.guard(where, func() { run(ctx) }) {
		if !sleep(ctx, restartAfter) {
			return
		}
		c.guard(where, c.release)
	}
}

// release makes everything free to be asked for again, whatever was claimed when a loop
// panicked. The answers of calls that are still running are then ignored.
func (c *Collector) release() {
	c.locked(func() {
		for _, g := range c.groups {
			g.pending, g.interests.pending = 0, 0
			for _, tracks := range g.tracks {
				for _, tr := range tracks {
					tr.release()
				}
			}
		}
		for _, t := range c.topics {
			t.describing = 0
			for at := range t.logs {
				for i := range t.logs[at].reads {
					t.logs[at].reads[i].pending = 0
				}
			}
		}
		c.catalog.pending = 0
		c.waiting = c.waiting[:0]
		for _, e := range c.entries {
			if !e.settled.Load() {
				e.tried = false
				c.waiting = append(c.waiting, e)
			}
		}
		c.shape++
	})
	for _, wake := range []chan struct{}{c.fresh, c.awake, c.untold} {
		signal(wake)
	}
}

// release lets go of the looks and searches under way.
func (tr *tracked) release() {
	for _, l := range tr.looks {
		l.pending = 0
	}
	for _, a := range tr.ages {
		a.pending = 0
	}
	tr.searching = 0
}

// locked runs do holding mu, and lets go of it however do ends.
func (c *Collector) locked(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}

// chunk calls do for the indexes from the given one on, holding mu, until that has cost
// as much as readers can wait, or there are no more. It returns the next index. A panic
// of one is none of the others' business.
func (c *Collector) chunk(where string, from, n int, do func(i int) (cost int)) (next int) {
	next = from
	c.guard(where, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for cost := 0; next < n && cost < publishChunk; {
			i := next
			next++
			cost += do(i)
		}
	})
	return next
}
