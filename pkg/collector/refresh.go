package collector

import (
	"context"
	"time"
)

// refresh keeps what the queries need fresh, until ctx ends.
func (c *Collector) refresh(ctx context.Context) {
	for {
		if !c.sleepUntilNeeded(ctx) {
			return
		}
		// What requests are composed for is forgotten whenever nobody asks any more.
		r := rounds{c: c}
		for {
			start := time.Now()
			shape := c.shapeNow() // not after: a query that joins in between is rather composed for twice than never
			live := c.dropIdle()
			if len(live) == 0 {
				break
			}
			took := time.Duration(0)
			if s := r.next(live, shape); s != nil {
				// A call may have to connect first. With time for one of the two only, a broker that takes most of it
				// would never be heard of again once its connections are lost.
				late := c.sweep(ctx, s, 2*c.opts.RequestTimeout)
				c.noteHealth()
				took = time.Since(start)
				c.opts.Observer.Refreshed(took, late)
				r.took = took
				if s == &r.all {
					c.chooseInterval(s)
				}
			}
			if !c.rest(ctx, c.pause(took)) {
				return
			}
		}
	}
}

func (c *Collector) shapeNow() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.shape
}

// rounds decides what each refresh covers: everything, or, between two of those,
// only what is awake.
type rounds struct {
	c *Collector
	// all and awake are kept side by side, each with its requests.
	all, awake scope
	// whole is when everything was last covered.
	whole stamp
	// took is how long the newest sweep took.
	took time.Duration
}

// next returns what to refresh now of the entries, which are of a shape of the
// collector, or nil if all is asleep and not due.
func (r *rounds) next(live []*entry, shape uint64) *scope {
	awake, same := r.awakeOf(live)
	now := r.c.now()
	if r.whole == 0 || len(awake) == len(live) || now-r.whole >= stamp(r.looksEvery()) {
		r.whole = now
		r.all.entries, r.all.taken = live, shape
		return &r.all
	}
	if !same {
		r.awake.taken++
		for _, e := range awake {
			e.calm.member = r.awake.taken
		}
	}
	r.awake.entries = awake
	if len(awake) == 0 {
		return nil
	}
	return &r.awake
}

// looksEvery is how often everything is covered: earlier than SleepInterval by as much as
// it takes, and may be late by, so that the numbers of who sleeps do not become too old
// where the cluster or the machine is slow.
func (r *rounds) looksEvery() time.Duration {
	// The refresh of those awake that it waits for, the rest after it, and its own time.
	return r.c.opts.SleepInterval - 3*r.took
}

// awakeOf returns the entries that are not asleep, and whether they are those that
// the scope of those awake was last composed for.
func (r *rounds) awakeOf(live []*entry) (awake []*entry, same bool) {
	r.c.mu.RLock()
	defer r.c.mu.RUnlock()
	members := 0
	awake = make([]*entry, 0, len(live))
	for _, e := range live {
		e.calm.note(r.c.latest(e).changed)
		if r.c.asleep(e) {
			continue
		}
		awake = append(awake, e)
		if e.calm.member == r.awake.taken && r.awake.taken != 0 {
			members++
		}
	}
	return awake, members == len(awake) && members == len(r.awake.entries)
}

// pause returns how long to rest after a refresh. One that took longer than the
// interval is followed by as long a rest, so that a cluster, or a machine, that is
// too slow for the interval is not kept busy without a break.
func (c *Collector) pause(took time.Duration) time.Duration {
	if interval := c.interval(); took <= interval {
		return interval - took
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
		return c.rest(ctx, c.interval())
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
