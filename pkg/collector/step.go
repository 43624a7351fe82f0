package collector

import (
	"context"
	"time"
)

// step is one kind of question of a sweep, from what is due to what is made of the
// answers. All but ask run while mu is held.
type step[Ask, Answer any] struct {
	// survey, if any, looks at each of the groups' topics in the scope for what is due, in chunks.
	survey func(i int, id stamp)
	// claim returns the requests, and how many answers they owe, and marks with the call's id what they are about.
	claim func(id stamp) (asks []Ask, owed int)
	// ask makes the requests, and delivers the answers as they come.
	ask func(ctx context.Context, asks []Ask, deliver func([]Answer))
	// take takes in one answer, and counts what the call owes down.
	take func(cl *call, answer *Answer)
	// miss takes care of what a request has brought no answer for, against the contract of the source or because
	// of a panic. It is called for every request as long as anything is owed.
	miss func(cl *call, ask Ask)
}

// sweeping is a sweep under way.
type sweeping struct {
	ctx     context.Context //nolint:containedctx // that of one sweep, as long as the value lives
	c       *Collector
	scope   *scope
	timeout time.Duration
}

// begin makes the call of one step, in a goroutine of its own which Run waits for; nil
// where nothing is due.
func begin[Ask, Answer any](w *sweeping, s step[Ask, Answer]) *call {
	c := w.c
	var id stamp
	c.locked(func() {
		c.compose(w.scope)
		id = c.tick()
	})
	if s.survey != nil {
		c.walk(w.ctx, w.scope, func(i int) { s.survey(i, id) })
	}
	var asks []Ask
	var owed int
	c.locked(func() { asks, owed = s.claim(id) })
	if owed == 0 || w.ctx.Err() != nil {
		return nil
	}
	return c.start(w.ctx, w.timeout, id, owed, func(ctx context.Context, cl *call) {
		s.ask(ctx, asks, func(answers []Answer) {
			c.inChunks(cl, len(answers), func(i int) { s.take(cl, &answers[i]) })
		})
	}, func(cl *call) {
		// Nothing is left out of what is of no interest any more, such as a query that was dropped.
		if c.owes(cl) {
			c.inChunks(cl, len(asks), func(i int) { s.miss(cl, asks[i]) })
		}
	})
}

// walk calls do, holding mu, for each of the groups' topics in the scope, and gives
// readers a turn now and then.
func (c *Collector) walk(ctx context.Context, s *scope, do func(i int)) {
	turn := c.turn.Of(ctx)
	turn.Begin()
	defer turn.End()
	for from := 0; from < len(s.tracked); {
		from = c.chunk("walk", from, len(s.tracked), func(i int) int {
			// Nobody may have need of it any more: then it has no room either.
			if s.tracked[i].users > 0 {
				do(i)
			}
			return len(s.tracked[i].topic.ids)
		})
		turn.Pause()
	}
}
