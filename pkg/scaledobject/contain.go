package scaledobject

import (
	"context"
	"errors"
	"time"
)

// Contain calls do, and returns a panic in it, which is a defect, as an error. where says what was done. It is
// given by whoever counts and logs them. Every goroutine that is started here begins with it.
type Contain func(where string, do func()) error

// run is c with an error that isPanic knows.
func (c Contain) run(where string, do func()) error {
	if err := c(where, do); err != nil {
		return &panicked{err}
	}
	return nil
}

// every calls do at every tick until ctx ends.
func (c Contain) every(ctx context.Context, ticks <-chan time.Time, what string, do func(now time.Time)) {
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticks:
			// It is counted and logged; the next tick tries again.
			_ = c.run(what, func() { do(now) })
		}
	}
}

// panicked is the error that a panic became.
type panicked struct{ cause error }

// Error says what the cause says.
func (p *panicked) Error() string { return p.cause.Error() }

// Unwrap gives callers the cause.
func (p *panicked) Unwrap() error { return p.cause }

func isPanic(err error) bool {
	_, is := errors.AsType[*panicked](err)
	return is
}
