package collector

import (
	"context"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// directSpacing is the least time between the starts of two direct reads. Queries
// that come in between are gathered into the next: ten thousand triggers that are
// new within a second make ten direct reads.
const directSpacing = 100 * time.Millisecond

// readDirectly makes the direct reads, one at a time, until ctx ends.
func (c *Collector) readDirectly(ctx context.Context) {
	// open are the queries whose direct read has not ended.
	var open []*entry
	var began time.Time
	for {
		changed := c.watch()
		open = append(open, c.takeWaiting()...)
		if ask := c.unread(open); len(ask) > 0 {
			began = time.Now()
			c.sweep(ctx, &scope{entries: ask}, c.opts.FirstReadTimeout)
			c.opts.Observer.DirectRead(time.Since(began), len(ask))
		}
		open = c.settleRead(open)
		if !c.sleepUntilNews(ctx, open, changed) || !sleep(ctx, directSpacing-time.Since(began)) {
			return
		}
	}
}

// sleepUntilNews waits until there is a new query or, for the open ones, another
// publication or the end of their time. It returns false if ctx ends.
func (c *Collector) sleepUntilNews(ctx context.Context, open []*entry, changed <-chan struct{}) bool {
	var due <-chan time.Time
	if len(open) == 0 {
		changed = nil
	} else {
		left := stamp(c.opts.FirstReadTimeout)
		for _, e := range open {
			left = min(left, e.due-c.now())
		}
		timer := time.NewTimer(time.Duration(left))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-c.fresh:
	case <-changed:
	case <-due:
	}
	return true
}

func (c *Collector) takeWaiting() []*entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := c.waiting
	c.waiting = nil
	return waiting
}

// unread returns the open queries that there is something to ask for. One for
// which an answer is still on its way is not among them.
func (c *Collector) unread(open []*entry) (ask []*entry) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, e := range open {
		if !e.tried || c.progress(e) == unasked {
			e.tried = true
			ask = append(ask, e)
		}
	}
	return ask
}

// settleRead settles the queries whose direct read has ended, and returns the others.
func (c *Collector) settleRead(open []*entry) (rest []*entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range open {
		if e.due <= c.now() || c.progress(e) == settled || c.complete(e) {
			c.settle(e)
		} else {
			rest = append(rest, e)
		}
	}
	return rest
}

// complete reports whether everything the query asks for was read, and fits. A call
// may still owe more of the same. The caller holds mu.
func (c *Collector) complete(e *entry) bool {
	if e.group.answered == 0 || len(e.tracked) == 0 {
		return false
	}
	for _, tr := range e.tracked {
		t := tr.topic
		for _, id := range t.ids {
			if !e.Partitions.Contains(id) {
				continue
			}
			end := t.logs[tr.kind].at(id)
			p, _ := tr.at(id)
			commit := p.fitting(end)
			if commit.read == 0 || needsStart(commit.counts(), end.offset) && t.logs[lag.Start].at(id).asked == 0 {
				return false
			}
			if e.Ages && c.agesAble() {
				if o, _ := c.offsets(e.group, tr, id); tr.lacksAge(o) {
					return false
				}
			}
		}
		if len(t.ids) == 0 {
			return false
		}
	}
	return true
}

// progress is how far the direct read of a query has come.
type progress uint8

const (
	// settled: every answer has arrived, though perhaps not a good one.
	settled progress = iota
	// underway: a call owes an answer.
	underway
	// unasked: nothing is underway, and an answer is missing or does not fit: the commits came after the
	// log ends had been asked for, or a call made for another query left this one's topics out.
	unasked
)

// progress returns how far the query has come. The caller holds mu, be it for reading.
func (c *Collector) progress(e *entry) progress {
	g := e.group
	if g.pending != 0 || e.lists() && c.catalog.pending != 0 || c.isMatching(e) {
		return underway
	}
	state := settled
	if g.answered == 0 && g.err == nil && e.discovers() || e.lists() && c.catalog.asked == 0 {
		state = unasked
	}
	for _, tr := range e.tracked {
		if p := tr.progress(g); p == underway || e.Ages && tr.searching > 0 {
			return underway
		} else if p == unasked {
			state = unasked
		}
	}
	return state
}

func (tr *tracked) progress(g *group) progress {
	t := tr.topic
	if t.describing != 0 {
		return underway
	}
	if t.described == 0 && t.err == nil {
		return unasked
	}
	state := settled
	for _, id := range t.ids {
		end := t.logs[tr.kind].at(id)
		if end.pending != 0 || t.logs[lag.Start].at(id).pending != 0 {
			return underway
		}
		p, err := tr.at(id)
		noCommit := p.newest.read == 0 && err == nil && g.err == nil
		noEnd := end.asked == 0 && t.logs[tr.kind].err(id) == nil
		doesNotFit := p.newest.read != 0 && end.asked != 0 && p.fitting(end).read == 0
		if noCommit || noEnd || doesNotFit {
			state = unasked
		}
	}
	return state
}
