package collector

import (
	"context"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
)

// publishChunk is how many groups or partitions are taken in before readers get a turn.
const publishChunk = 256

// call is one running call of the source.
type call struct {
	// id is when it was made. Whatever it owes carries the id.
	id   stamp
	done chan struct{}
	// turn is that of what it takes in.
	turn *pace.Worker
	// late is set once nobody waits for the call any more: what it still brings is published as it comes.
	late bool
	// last is when it last brought something.
	last time.Time
	// owed is how many groups, partitions or topics have not been delivered.
	owed int
}

// start makes a call of the source in a goroutine of its own, which Run waits for. When
// ask has returned, be it by a panic, finish takes care of what has not been delivered.
func (c *Collector) start(ctx context.Context, timeout time.Duration, id stamp, owed int, ask func(context.Context, *call), finish func(*call)) *call {
	cl := &call{id: id, owed: owed, done: make(chan struct{})}
	c.calls.Go(func() {
		defer close(cl.done)
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		cl.turn = c.turn.Of(ctx)
		c.guard("call", func() { ask(ctx, cl) })
		c.guard("call", func() { finish(cl) })
	})
	return cl
}

// mostGraces is how many times the grace a step is waited for as long as its calls bring answers.
const mostGraces = 4

// await waits for the calls, but no longer than the grace after the newest answer
// of any of them, and returns how much they still owe. What has arrived and is only
// not taken in yet, on a busy machine, is no slow broker.
func (c *Collector) await(ctx context.Context, calls ...*call) (owed int) {
	began := time.Now()
	grace := time.NewTimer(c.opts.Grace)
	defer grace.Stop()
	over := false
	for _, cl := range calls {
		if cl == nil {
			continue
		}
		for waiting := !over; waiting; waiting = waiting && !over {
			select {
			case <-cl.done:
				waiting = false
			case <-grace.C:
				left := min(time.Until(c.lastAnswer(began, calls).Add(c.opts.Grace)), time.Until(began.Add(mostGraces*c.opts.Grace)))
				over = left <= 0
				grace.Reset(left)
			case <-ctx.Done():
				over = true
			}
		}
		if !over {
			continue
		}
		c.locked(func() {
			cl.late = true
			owed += cl.owed
		})
	}
	return owed
}

// lastAnswer is when the newest answer of the calls came, or began where none has.
func (c *Collector) lastAnswer(began time.Time, calls []*call) time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	last := began
	for _, cl := range calls {
		if cl != nil && cl.last.After(last) {
			last = cl.last
		}
	}
	return last
}

// inChunks calls take for each index, holding mu, and gives readers a turn now and
// then. What a late call has brought is published at the end.
func (c *Collector) inChunks(cl *call, n int, take func(i int)) {
	cl.turn.Begin()
	defer cl.turn.End()
	for from := 0; from < n; {
		from = c.chunk("answer", from, n, func(i int) int {
			take(i)
			return 1
		})
		c.locked(func() {
			cl.last = time.Now()
			if cl.late && from >= n {
				c.publish()
			}
		})
		cl.turn.Pause()
	}
}

// owes reports whether the call, which has returned, left something out. That is
// against the source's contract, unless it is of no interest any more: a query that
// was dropped, or a topic that was made anew meanwhile.
func (c *Collector) owes(cl *call) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return cl.owed > 0
}
