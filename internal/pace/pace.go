// Package pace lets long work give way to what is quick and urgent.
//
// On one processor a goroutine that computes keeps all others waiting, for up to
// 10 ms at a time, and [runtime.Gosched] does not help: the scheduler looks for
// packets that have arrived only once no goroutine is runnable. So whoever works
// long pauses now and then, for real.
package pace

import (
	"context"
	"time"
)

const (
	// work is how long may be worked without a pause: less than anyone notices.
	work = 250 * time.Microsecond
	// rest is the pause after it. A shorter one would take as long: the Go runtime waits for the network
	// in whole milliseconds.
	rest = time.Millisecond
	// mostCredit is how much more may be worked at once after a pause that others have made longer.
	mostCredit = 3 * work
)

// Turn lets one worker of many work at a time, with pauses.
type Turn struct {
	// free holds a value while nobody works. It is no mutex, because whoever works may sleep, and whoever
	// waits may give up.
	free chan struct{}
	// worked is how much was worked since the last pause. Whoever has the turn owns it.
	worked time.Duration
}

// New returns a turn that is free.
func New() *Turn {
	t := &Turn{free: make(chan struct{}, 1)}
	t.free <- struct{}{}
	return t
}

// Of returns a worker that waits for the turn only as long as ctx lasts. What it does
// after that it does without: the turn is a courtesy and guards nothing, and work that
// others wait for has to be done.
func (t *Turn) Of(ctx context.Context) *Worker { return &Worker{turn: t, ctx: ctx} }

// Worker is somebody who takes turns. Begin and End enclose work; all else is called in
// between. It must not be used from two goroutines at a time.
type Worker struct {
	turn *Turn
	ctx  context.Context //nolint:containedctx // that of one piece of work, as long as the worker lives
	// has is whether it has the turn; since is when the present stretch of work began.
	has   bool
	since time.Time
	// alone is how much was worked without the turn since the last pause.
	alone time.Duration
}

// Begin waits for the turn, or for the end of the worker's context.
func (w *Worker) Begin() {
	select {
	case <-w.turn.free:
		w.has = true
	case <-w.ctx.Done():
	}
	w.since = time.Now()
}

// End gives the turn to the next.
func (w *Worker) End() {
	*w.worked() += time.Since(w.since)
	if w.has {
		w.has = false
		w.turn.free <- struct{}{}
	}
}

// Pause rests, if there was enough work since the last time. Nobody else who has the turn works meanwhile.
func (w *Worker) Pause() {
	now := time.Now()
	worked := w.worked()
	*worked += now.Sub(w.since)
	w.since = now
	if *worked >= work {
		w.Rest()
	}
}

// Rest is Pause however much work there was. Where others keep the processor busy, a pause takes longer than it should;
// the share of work stays the same then, and who has much to do still comes to an end.
func (w *Worker) Rest() {
	began := time.Now()
	time.Sleep(rest)
	w.since = time.Now()
	w.restedFor(w.since.Sub(began))
}

func (w *Worker) restedFor(d time.Duration) { *w.worked() = -min(max(0, d-rest)*work/rest, mostCredit) }

// Wait gives the turn to others while do waits for something.
func (w *Worker) Wait(do func()) {
	w.Pause()
	w.End()
	defer w.Begin()
	do()
}

func (w *Worker) worked() *time.Duration {
	if w.has {
		return &w.turn.worked
	}
	return &w.alone
}
