package collector

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// idleFor is how long an entry counts as wanted after its stream has been told
// something: streams come back as soon as they have decided.
const idleFor = 10 * time.Second

// idleness is whether inactive streams wait for an entry's records.
type idleness struct {
	// streams is how many of them wait at this moment; until is up to when the entry counts as wanted even
	// so, a stamp.
	streams atomic.Int32
	until   atomic.Int64
	// covered is set while the waits take the entry into account, awaited while every partition that it
	// selects is in one.
	covered, awaited atomic.Bool
	// listed is whether it is among push.idle, whose mutex guards it.
	listed bool

	mu sync.Mutex
	// woken is closed when records have come; nil while nobody has asked for it.
	woken chan struct{}
}

// wake tells the streams that records have come. Whether they want more they say by coming back.
func (i *idleness) wake() {
	i.until.Store(0)
	i.covered.Store(false)
	i.awaited.Store(false)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.woken != nil {
		close(i.woken)
		i.woken = nil
	}
}

// watch returns what is closed at the next wake.
func (i *idleness) watch() <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.woken == nil {
		i.woken = make(chan struct{})
	}
	return i.woken
}

func (i *idleness) wanted(now stamp) bool { return i.streams.Load() > 0 || int64(now) < i.until.Load() }

// WaitForRecords is [Collector.Wait] for those who are inactive, and want to know
// at once when they cease to be: it returns also, within milliseconds, when the
// log of a partition selected has grown. While brokers watch over all that the
// query looks at, it is read at SleepInterval only. Without a [Waiter], or with push
// activation turned off, it is no more than Wait.
func (c *Collector) WaitForRecords(ctx context.Context, q *Query, after Version) (Version, error) {
	if c.push == nil {
		return c.Wait(ctx, q, after)
	}
	return c.wait(ctx, q, after, c.push.newer)
}

func (p *push) newer(ctx context.Context, news <-chan struct{}, e *entry, after Version) (Version, error) {
	woken, done := p.attend(e)
	defer done()
	return p.c.newerOr(ctx, news, woken, e, after)
}

// attend makes the entry's records awaited until done is called, and returns what is closed when there are some.
func (p *push) attend(e *entry) (woken <-chan struct{}, done func()) {
	e.idle.streams.Add(1)
	e.idle.until.Store(int64(p.c.now() + stamp(idleFor)))
	woken = e.idle.watch()
	if !e.idle.covered.Load() {
		p.mu.Lock()
		if !e.idle.listed {
			e.idle.listed = true
			p.idle = append(p.idle, e)
		}
		p.mu.Unlock()
		signal(p.rearm)
	}
	return woken, func() { e.idle.streams.Add(-1) }
}

// stillIdle returns the entries that are wanted, and drops the others.
func (p *push) stillIdle() []*entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.c.now()
	kept := p.idle[:0]
	for _, e := range p.idle {
		// First this, then the look: a stream that comes now either is seen or sees it.
		e.idle.covered.Store(false)
		if !e.idle.wanted(now) {
			e.idle.listed = false
			e.idle.awaited.Store(false)
			continue
		}
		e.idle.covered.Store(true)
		kept = append(kept, e)
	}
	clear(p.idle[len(kept):])
	p.idle = kept
	return append([]*entry(nil), kept...)
}

// rest waits until the next refresh is due, or until the waits need one. It
// returns false if ctx ends.
func (c *Collector) rest(ctx context.Context, d time.Duration) bool {
	// However often they need one, there is no more than one in this time.
	const least = 100 * time.Millisecond
	if c.push == nil || d <= least {
		return sleep(ctx, d)
	}
	if !sleep(ctx, least) {
		return false
	}
	t := time.NewTimer(d - least)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-c.push.nudge:
	case <-t.C:
	}
	return true
}
