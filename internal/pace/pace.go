// Package pace lets long work give way to what is quick and urgent.
//
// On one processor a goroutine that computes keeps all others waiting, for up to
// 10 ms at a time, and [runtime.Gosched] does not help: the scheduler looks for
// packets that have arrived only once no goroutine is runnable. So whoever works
// long pauses now and then, for real.
package pace

import "time"

const (
	// work is how long may be worked without a pause: less than anyone notices.
	work = 250 * time.Microsecond
	// rest is the pause after it. A shorter one would take as long: the Go runtime waits for the network
	// in whole milliseconds.
	rest = time.Millisecond
)

// Turn lets one worker of many work at a time, with pauses. Begin and End enclose
// work; all else is called in between.
type Turn struct {
	// free holds a value while nobody works. It is no mutex, because whoever works may sleep.
	free chan struct{}
	// since is when the present stretch of work began, worked how much there was since the last pause.
	since  time.Time
	worked time.Duration
}

// New returns a turn that is free.
func New() *Turn {
	t := &Turn{free: make(chan struct{}, 1)}
	t.free <- struct{}{}
	return t
}

// Begin waits for the turn.
func (t *Turn) Begin() {
	<-t.free
	t.since = time.Now()
}

// End gives the turn to the next.
func (t *Turn) End() {
	t.worked += time.Since(t.since)
	t.free <- struct{}{}
}

// Pause rests, if there was enough work since the last time. Nobody else works meanwhile.
func (t *Turn) Pause() {
	now := time.Now()
	t.worked += now.Sub(t.since)
	t.since = now
	if t.worked >= work {
		t.Rest()
	}
}

// Rest is Pause however much work there was.
func (t *Turn) Rest() {
	time.Sleep(rest)
	t.worked, t.since = 0, time.Now()
}

// Wait gives the turn to others while do waits for something.
func (t *Turn) Wait(do func()) {
	t.Pause()
	t.End()
	defer t.Begin()
	do()
}
