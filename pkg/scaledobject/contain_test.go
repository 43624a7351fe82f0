package scaledobject

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestPanicInASweep: the next one comes all the same.
func TestPanicInASweep(t *testing.T) {
	panics := 0
	contain := Contain(func(_ string, do func()) (err error) {
		defer func() {
			if recover() != nil {
				panics++
				err = errors.New("a defect")
			}
		}()
		do()
		return nil
	})
	ticks := make(chan time.Time)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		contain.every(ctx, ticks, "test", func(time.Time) { panic("a defect") })
	}()
	for range 2 {
		ticks <- time.Now()
	}
	stop()
	<-ended
	if panics != 2 {
		t.Errorf("%d panics, want 2", panics)
	}
}
