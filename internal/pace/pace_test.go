package pace

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// In a bubble of synthetic time, sleeping stands for work.
func TestWorkIsPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := New().Of(t.Context())
		began := time.Now()
		turn.Begin()
		for range 100 {
			time.Sleep(100 * time.Microsecond)
			turn.Pause()
		}
		turn.End()
		const step, steps = 100 * time.Microsecond, 100
		const pauses = steps / ((work + step - 1) / step)
		if took, want := time.Since(began), steps*step+pauses*rest; took != want {
			t.Errorf("10 ms of work took %v, want %v", took, want)
		}
	})
}

// TestWorkKeepsItsShare: where the processor is busy, pauses take longer, and the stretches after them may as well.
func TestWorkKeepsItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := New()
		w := turn.Of(t.Context())
		w.Begin()
		defer w.End()
		for late, want := range map[time.Duration]time.Duration{
			0: 0, 2 * time.Millisecond: -500 * time.Microsecond, time.Second: -mostCredit,
		} {
			w.restedFor(rest + late)
			if turn.worked != want {
				t.Errorf("after a pause that was %v longer than it should be, %v count as worked, want %v", late, turn.worked, want)
			}
		}
	})
}

func TestOneWorksAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := New()
		var workers sync.WaitGroup
		working, most := 0, 0
		began := time.Now()
		for range 8 {
			workers.Go(func() {
				turn := turn.Of(t.Context())
				turn.Begin()
				defer turn.End()
				for range 10 {
					// The turn guards both counters: the race detector looks too.
					working++
					most = max(most, working)
					time.Sleep(100 * time.Microsecond)
					working--
					turn.Wait(func() { time.Sleep(10 * time.Millisecond) })
				}
			})
		}
		workers.Wait()
		if most != 1 {
			t.Errorf("%d worked at a time", most)
		}
		if took := time.Since(began); took > 200*time.Millisecond {
			t.Errorf("it took %v: those who wait kept the turn", took)
		}
	})
}

// TestWhoeverGivesUpWorksWithoutTheTurn: a turn that never comes costs no more than the context allows.
func TestWhoeverGivesUpWorksWithoutTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := New()
		holder := turn.Of(t.Context())
		holder.Begin()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		late := turn.Of(ctx)
		late.Begin()
		late.Pause()
		late.End()
		if took := time.Since(began); took != time.Second {
			t.Errorf("it waited for %v, want 1s", took)
		}
		holder.End()
		next := turn.Of(t.Context())
		next.Begin() // the turn was given back once, and only once
		next.End()
		if n := len(turn.free); n != 1 {
			t.Errorf("%d turns are free, want 1", n)
		}
	})
}
