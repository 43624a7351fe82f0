package kafka

import (
	"context"
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
		c.running.Go(func() { c.runRefresh(batch, wait) })
	}
	for _, name := range topics {
		batch.topics[name] = struct{}{}
	}
	return batch
}

func (c *Client) runRefresh(batch *refreshBatch, wait time.Duration) {
	defer close(batch.done)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.life.Done():
	}
	r := &c.routes.refresh
	r.mu.Lock()
	r.queued = nil
	r.last = time.Now()
	names := make([]string, 0, len(batch.topics))
	for name := range batch.topics {
		names = append(names, name)
	}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(c.life, c.cfg.RequestTimeout)
	defer cancel()
	_, batch.err = c.metadata(ctx, names)
}
