package sweep

import (
	"context"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
)

// call is one running call of the source.
type call struct {
	// id is when it was made. Whatever it owes carries the id.
	id   store.Stamp
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

// start makes a call of the source in a goroutine of its own, which Finish waits for. When
// ask has returned, be it by a panic, finish takes care of what has not been delivered.
func (w *Sweeper) start(ctx context.Context, timeout time.Duration, id store.Stamp, owed int, ask func(context.Context, *call), finish func(*call)) *call {
	cl := &call{id: id, owed: owed, done: make(chan struct{})}
	w.calls.Go(func() {
		defer close(cl.done)
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		cl.turn = w.turn.Of(ctx)
		w.Guard("call", func() { ask(ctx, cl) })
		w.Guard("call", func() { finish(cl) })
	})
	return cl
}

// mostGraces is how many times the grace a step is waited for as long as its calls bring answers.
const mostGraces = 4

// await waits for the calls, but no longer than the grace after the newest answer
// of any of them, and returns how much they still owe. What has arrived and is only
// not taken in yet, on a busy machine, is no slow broker.
func (w *Sweeper) await(ctx context.Context, calls ...*call) (owed int) {
	if !slices.ContainsFunc(calls, func(cl *call) bool { return cl != nil }) {
		return 0
	}
	began := time.Now()
	grace := time.NewTimer(w.opts.Grace)
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
				left := min(time.Until(w.lastAnswer(began, calls).Add(w.opts.Grace)), time.Until(began.Add(mostGraces*w.opts.Grace)))
				over = left <= 0
				grace.Reset(left)
			case <-ctx.Done():
				over = true
			}
		}
		if !over {
			continue
		}
		w.Write(func(*store.Store, store.Stamp) {
			cl.late = true
			owed += cl.owed
		})
	}
	return owed
}

// lastAnswer is when the newest answer of the calls came, or began where none has.
func (w *Sweeper) lastAnswer(began time.Time, calls []*call) time.Time {
	last := began
	w.Read(func(*store.Store, store.Stamp) {
		for _, cl := range calls {
			if cl != nil && cl.last.After(last) {
				last = cl.last
			}
		}
	})
	return last
}

// inChunks calls take for each index, within Write, and gives readers a turn now and
// then. What a late call has brought is published at the end.
func (w *Sweeper) inChunks(cl *call, n int, take func(s *store.Store, now store.Stamp, i int)) {
	cl.turn.Begin()
	defer cl.turn.End()
	c := w.chunks("answer", n, func(s *store.Store, now store.Stamp, i int) int {
		take(s, now, i)
		return 1
	})
	note := func(s *store.Store, _ store.Stamp) {
		cl.last = time.Now()
		if cl.late && c.next >= n {
			s.Publish()
		}
	}
	for c.more() {
		w.Write(note)
		cl.turn.Pause()
	}
}

// owes reports whether the call, which has returned, left something out. That is
// against the source's contract, unless it is of no interest any more: a query that
// was dropped, or a topic that was created again meanwhile.
func (w *Sweeper) owes(cl *call) (owes bool) {
	w.Read(func(*store.Store, store.Stamp) { owes = cl.owed > 0 })
	return owes
}
