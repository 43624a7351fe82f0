package collector

import (
	"context"
	"time"
)

// refresh keeps what the queries need fresh, until ctx ends.
func (c *Collector) refresh(ctx context.Context) {
	var s scope
	for {
		if !c.sleepUntilNeeded(ctx) {
			return
		}
		for {
			start := time.Now()
			s.entries = c.dropIdle()
			if len(s.entries) == 0 {
				s = scope{}
				break
			}
			// A call may have to connect first. With time for one of the two only, a broker that takes most of it
			// would never be heard of again once its connections are lost.
			late := c.sweep(ctx, &s, 2*c.opts.RequestTimeout)
			c.noteHealth()
			took := time.Since(start)
			c.opts.Observer.Refreshed(took, late)
			if !c.rest(ctx, c.pause(took)) {
				return
			}
		}
	}
}

// pause returns how long to rest after a refresh. One that took longer than the
// interval is followed by as long a rest, so that a cluster, or a machine, that is
// too slow for the interval is not kept busy without a break.
func (c *Collector) pause(took time.Duration) time.Duration {
	if took <= c.opts.Interval {
		return c.opts.Interval - took
	}
	c.opts.Observer.Stretched(2 * took)
	return took
}

// sleepUntilNeeded waits until a query has been read directly, and then for the
// interval after which its numbers are due again. It returns false if ctx ends.
func (c *Collector) sleepUntilNeeded(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-c.awake:
		return c.rest(ctx, c.opts.Interval)
	}
}

// sleep returns false if ctx ends before d has passed.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
