package store

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPositionsKeepWhatFits checks the rule of positions by itself: whatever the
// order in which commits and log ends are asked for and arrive, a commit that fits the
// log end known, and the best one for the log end on its way, are kept.
func TestPositionsKeepWhatFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p positions
		var end logRead
		var all []position
		best := func(s Stamp) position {
			var b position
			for _, q := range all {
				if q.read <= s {
					b = q
				}
			}
			return b
		}
		now := Stamp(1)
		for range 60 {
			now++
			switch rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				n := position{offset: int64(now), asked: now, read: now}
				p.add(n, end)
				all = append(all, n)
			case 1:
				if end.pending == 0 {
					end.pending = now
				}
			case 2:
				if end.pending != 0 {
					end.asked, end.pending = end.pending, 0
				}
			case 3:
				end.pending = 0
			}
			if got, want := p.before(end.asked), best(end.asked); got != want {
				t.Fatalf("for the log end known, asked for at %d: commit %v, want %v", end.asked, got, want)
			}
			if got, want := p.before(end.pending), best(end.pending); got != want {
				t.Fatalf("for the log end on its way, asked for at %d: commit %v, want %v", end.pending, got, want)
			}
		}
	})
}
