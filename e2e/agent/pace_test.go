package agent

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	const took = 200 * time.Millisecond
	began := time.Unix(0, 0)
	at := func(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }
	for _, c := range []struct {
		name string
		// now is when each record is taken up, done when it is done, both in milliseconds.
		now, done []int
	}{
		{"on time", []int{0, 200, 400}, []int{200, 400, 600}},
		{"woken late: nothing is lost", []int{0, 207, 430, 601}, []int{200, 400, 600, 800}},
		{"late by more than a record: only one is made up for", []int{0, 1000, 1000, 1200}, []int{200, 1000, 1200, 1400}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := pace{took: took}
			p.begin(began)
			for i, now := range c.now {
				if got, want := p.next(at(now)), at(c.done[i]); !got.Equal(want) {
					t.Errorf("record %d is done at %v, want %v", i+1, got.Sub(began), want.Sub(began))
				}
			}
		})
	}
}

func TestPaceAfterIdleTime(t *testing.T) {
	p := pace{took: 200 * time.Millisecond}
	began := time.Unix(0, 0)
	p.begin(began)
	p.next(began)
	// Idle until now: the time before counts for nothing, be it ever so short.
	now := began.Add(350 * time.Millisecond)
	p.begin(now)
	if got := p.next(now).Sub(now); got != 200*time.Millisecond {
		t.Errorf("the first record after idle time takes %v, want 200ms", got)
	}
}
