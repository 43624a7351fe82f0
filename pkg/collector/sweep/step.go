package sweep

import (
	"context"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
)

// step is one question of a sweep, from what is due to what is made of the
// answers. All but ask run within Write.
type step[Ask, Answer any] struct {
	// survey, if any, goes over the groups' topics in the scope for what is due, in chunks.
	survey func(s *store.Store, now store.Stamp, i int, id store.Stamp)
	// claim returns the requests, and how many answers they owe, and marks with the call's id what they are about.
	claim func(s *store.Store, id store.Stamp) (asks []Ask, owed int)
	// ask makes the requests, and delivers the answers as they come.
	ask func(ctx context.Context, asks []Ask, deliver func([]Answer))
	// take takes in one answer, and counts what the call owes down.
	take func(s *store.Store, now store.Stamp, cl *call, answer *Answer)
	// miss takes care of what a request has brought no answer for, against the contract of the source or because
	// of a panic. It is called for every request as long as anything is owed.
	miss func(s *store.Store, now store.Stamp, cl *call, ask Ask)
}

// sweeping is a sweep under way.
type sweeping struct {
	*Sweeper
	ctx     context.Context //nolint:containedctx // that of one sweep, as long as the value lives
	scope   *Scope
	timeout time.Duration
	// compose is that of the scope. It is made once, not for each step.
	compose func(s *store.Store, now store.Stamp)
}

// needs returns what the queries need now.
func (r *sweeping) needs() *store.Union {
	r.Write(r.compose)
	return r.scope.union
}

// begin makes the call of one step, whose needs are known, in a goroutine of its own which Finish waits for; nil
// where nothing is due.
func begin[Ask, Answer any](w *sweeping, step step[Ask, Answer]) *call {
	var id store.Stamp
	var asks []Ask
	var owed int
	if step.survey != nil {
		w.Write(func(s *store.Store, now store.Stamp) { id = s.Tick(now) })
		w.walk(w.ctx, w.scope.union, func(s *store.Store, now store.Stamp, i int) { step.survey(s, now, i, id) })
	}
	w.Write(func(s *store.Store, now store.Stamp) {
		if id == 0 {
			id = s.Tick(now)
		}
		asks, owed = step.claim(s, id)
	})
	if owed == 0 || w.ctx.Err() != nil {
		return nil
	}
	return w.start(w.ctx, w.timeout, id, owed, func(ctx context.Context, cl *call) {
		step.ask(ctx, asks, func(answers []Answer) {
			w.inChunks(cl, len(answers), func(s *store.Store, now store.Stamp, i int) { step.take(s, now, cl, &answers[i]) })
		})
	}, func(cl *call) {
		// Nothing is left out of what is of no interest any more, such as a query that was dropped.
		if w.owes(cl) {
			w.inChunks(cl, len(asks), func(s *store.Store, now store.Stamp, i int) { step.miss(s, now, cl, asks[i]) })
		}
	})
}

// walk calls do, within Write, for each of the groups' topics in a union, and gives
// readers a turn now and then.
func (w *Sweeper) walk(ctx context.Context, u *store.Union, do func(s *store.Store, now store.Stamp, i int)) {
	turn := w.turn.Of(ctx)
	turn.Begin()
	defer turn.End()
	for c := w.chunks("walk", u.Len(), func(s *store.Store, now store.Stamp, i int) int {
		gt, _ := u.At(i)
		// Nobody may have need of it any more: then it has no room either.
		if gt.Wanted() {
			do(s, now, i)
		}
		return gt.Partitions()
	}); c.more(); {
		turn.Pause()
	}
}
