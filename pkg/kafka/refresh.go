package kafka

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// refreshEvery is the least time between two metadata requests that broken
// routes ask for. Whoever asks in between shares the next one.
const refreshEvery = 100 * time.Millisecond

// refresher makes one metadata request of many callers' wishes.
type refresher struct {
	mu     sync.Mutex
	last   time.Time
	queued *refreshBatch // not sent yet: more topics may join
}

type refreshBatch struct {
	topics map[string]struct{}
	done   chan struct{}
	err    error // to be read when done is closed
}

// refreshRoutes returns when the routes of the topics are newer than usedAt, when
// the routes that turned out wrong were looked at.
func (c *Client) refreshRoutes(ctx context.Context, topics []string, usedAt time.Time) error {
	topics = c.routes.outdated(topics, usedAt)
	if len(topics) == 0 {
		return nil
	}
	batch := c.joinRefresh(topics)
	select {
	case <-batch.done:
		return batch.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// joinRefresh adds topics to the next metadata request, and starts it where
// nobody has. The request outlives the caller that started it, but not the client.
func (c *Client) joinRefresh(topics []string) *refreshBatch {
	r := &c.routes.refresh
	r.mu.Lock()
	defer r.mu.Unlock()
	batch := r.queued
	if batch == nil {
		batch = &refreshBatch{topics: map[string]struct{}{}, done: make(chan struct{})}
		r.queued = batch
		wait := max(0, refreshEvery-time.Since(r.last))
		// The caller is within begin and end, so the client cannot have finished waiting.
		c.running.Go(func() {
			defer close(batch.done)
			if broken := c.guard.Contain("read metadata", func() { c.runRefresh(batch, wait) }); broken != nil {
				batch.err = broken
				r.close(batch)
			}
		})
	}
	for _, name := range topics {
		batch.topics[name] = struct{}{}
	}
	return batch
}

// close lets nobody else join the batch, and returns its topics.
func (r *refresher) close(batch *refreshBatch) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.queued == batch {
		r.queued = nil
		r.last = time.Now()
	}
	return slices.Collect(maps.Keys(batch.topics))
}

func (c *Client) runRefresh(batch *refreshBatch, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.life.Done():
	}
	names := c.routes.refresh.close(batch)
	ctx, cancel := context.WithTimeout(c.life, c.cfg.RequestTimeout)
	defer cancel()
	_, batch.err = c.metadata(ctx, names)
}
