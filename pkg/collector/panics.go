package collector

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
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
		if !pace.Sleep(ctx, restartAfter) {
			return
		}
		c.guard(where, c.release)
	}
}

// release makes everything free to be asked for again, whatever was claimed when a loop
// panicked. The answers of calls that are still running are then ignored.
func (c *Collector) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store.Release()
	c.waiting = c.waiting[:0]
	for _, sub := range c.subscriptions {
		if !sub.settled.Load() {
			c.waiting = append(c.waiting, sub)
		}
	}
	c.sweeper.Resume()
	signal(c.untold)
}
