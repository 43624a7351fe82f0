package collector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Snapshot returns what is known of the query's offsets, from memory if the query
// is known. For a new one it waits until its direct read has ended, at most for
// FirstReadTimeout; callers who ask meanwhile wait for the same read.
//
// Offsets whose newest read failed are returned with the time at which they were
// observed and their error: whether they are too old to count is for lag.Compute
// to say. The error is not nil, and the snapshot nil, where nothing at all is
// known: a *fault.Error, or the context's error.
func (c *Collector) Snapshot(ctx context.Context, q *Query) (*Snapshot, error) {
	sub, err := c.enter(q)
	if err != nil {
		return nil, err
	}
	return c.snapshot(ctx, sub)
}

// Peek is Snapshot for somebody who asks once, and no reason to keep anything: a query
// that nobody else asks about is forgotten after its direct read, and in no refresh.
func (c *Collector) Peek(ctx context.Context, q *Query) (*Snapshot, error) {
	sub, err := c.find(q, false)
	if err != nil {
		return nil, err
	}
	return c.snapshot(ctx, sub)
}

func (c *Collector) snapshot(ctx context.Context, sub *subscription) (*Snapshot, error) {
	if !sub.settled.Load() {
		if err := c.firstRead(ctx, sub); err != nil {
			return nil, err
		}
	}
	s := c.current(sub).Snapshot
	if len(s.Offsets) == 0 && s.Err != nil {
		return nil, s.Err
	}
	if !s.ObservedAt.IsZero() {
		c.opts.Observer.Answered(time.Since(s.ObservedAt))
	}
	return s, nil
}

// firstRead waits until the subscription's direct read has ended.
func (c *Collector) firstRead(ctx context.Context, sub *subscription) error {
	timeout := time.NewTimer(c.opts.FirstReadTimeout)
	defer timeout.Stop()
	// Not every publication is looked at: with ten thousand new queries, that would be most of the work.
	select {
	case <-sub.done:
		return nil
	case <-timeout.C:
		if v := c.current(sub); len(v.Offsets) > 0 || c.matching(sub) {
			return nil
		}
		return &fault.Error{
			Kind: fault.Unavailable, Op: "read", Object: fmt.Sprintf("group %q", sub.of.ConsumerGroup),
			Err:    fmt.Errorf("the first read is not finished after %s%s", c.opts.FirstReadTimeout, c.store.Where()),
			Remedy: "see which broker does not answer, with `kafka-scaler check`",
		}
	case <-c.ended:
		return c.errEnded()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// matching reports whether what the subscription selects is not known yet for no fault of a broker.
func (c *Collector) matching(sub *subscription) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.store.IsMatching(sub.of)
}

// Wait returns once there is news of the query since the version after: at once
// where there is some, else when it is published; 0 waits for the first direct read
// only. Other numbers or errors are news, and [Collector.Snapshot] returns them from
// memory then; that the same ones have been read again is none. It returns the version that
// Snapshot then shows, or a newer one. A query that waits counts as asked about. The error
// is the context's, or says that the collector has ended.
func (c *Collector) Wait(ctx context.Context, q *Query, after Version) (Version, error) {
	return c.wait(ctx, q, after, c.newer)
}

// wait returns the first version after the given one. newer waits for it.
func (c *Collector) wait(ctx context.Context, q *Query, after Version, newer waitFunc) (Version, error) {
	for {
		sub, err := c.enter(q)
		if err != nil {
			return 0, err
		}
		v, err := c.waitFor(ctx, sub, after, newer)
		if v > after || err != nil {
			return v, err
		}
	}
}

func (c *Collector) waitFor(ctx context.Context, sub *subscription, after Version, newer waitFunc) (Version, error) {
	news := c.news(sub, after)
	defer c.part(sub)
	return newer(ctx, news, sub, after)
}

// waitFunc returns a version of the subscription after the given one, or 0 once news is
// closed or something else may have brought one.
type waitFunc func(ctx context.Context, news <-chan struct{}, sub *subscription, after Version) (Version, error)

func (c *Collector) newer(ctx context.Context, news <-chan struct{}, sub *subscription, after Version) (Version, error) {
	if c.poller != nil {
		c.poller.Leave(sub.of)
	}
	return c.newerOr(ctx, news, nil, sub, after)
}

// WaitForRecords is [Collector.Wait] for those who are inactive, and want to know
// at once when they cease to be: it returns also, within milliseconds, when the
// log of a partition selected has grown. While brokers watch over all that the
// query looks at, it is read at SleepInterval only. With long polls turned off,
// it is no more than Wait.
func (c *Collector) WaitForRecords(ctx context.Context, q *Query, after Version) (Version, error) {
	if c.poller == nil {
		return c.Wait(ctx, q, after)
	}
	return c.wait(ctx, q, after, c.newerOrRecords)
}

func (c *Collector) newerOrRecords(ctx context.Context, news <-chan struct{}, sub *subscription, after Version) (Version, error) {
	woken, done := c.poller.Attend(sub.of, c.now())
	defer done()
	return c.newerOr(ctx, news, woken, sub, after)
}

// newerOr is newer that returns also when woken is closed.
func (c *Collector) newerOr(ctx context.Context, news, woken <-chan struct{}, sub *subscription, after Version) (Version, error) {
	var done <-chan struct{}
	if sub.settled.Load() {
		if v := c.version(sub); v > after {
			return v, nil
		}
	} else {
		news, woken, done = nil, nil, sub.done
	}
	select {
	case <-news:
	case <-woken:
	case <-done:
	case <-c.ended:
		return 0, c.errEnded()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return 0, nil
}

func (c *Collector) errEnded() error {
	return &fault.Error{
		Kind: fault.Unavailable, Op: "read", Object: fmt.Sprintf("cluster %q", c.opts.Cluster),
		Err:    errors.New("it is no longer watched: the configuration has changed, or the scaler is stopping"),
		Remedy: "ask again",
	}
}
