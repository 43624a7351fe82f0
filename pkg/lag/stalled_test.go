package lag_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func TestStalledSince(t *testing.T) {
	start := now.Add(-time.Hour)
	at := func(committed, logStart, end int64) lag.Offsets {
		return lag.Offsets{Committed: committed, LogStart: logStart, LogEnd: end, ObservedAt: now}
	}
	since := func(o lag.Offsets, since time.Time) lag.Offsets {
		o.StalledSince, o.ObservedAt = since, now.Add(-time.Second)
		return o
	}
	failed := at(10, 0, 39)
	failed.Err = errors.New("broker 2 does not answer")

	for _, c := range []struct {
		name       string
		prev, next lag.Offsets
		want       time.Time
	}{
		{"first read, with lag", lag.Offsets{}, at(10, 0, 39), now},
		{"first read, commit 0, with lag", lag.Offsets{}, at(0, 0, 39), now},
		{"first read, no lag", lag.Offsets{}, at(39, 0, 39), time.Time{}},
		{"commit stands still, lag grows", since(at(10, 0, 20), start), at(10, 0, 39), start},
		{"commit stands still, lag shrinks by retention", since(at(10, 0, 39), start), at(10, 20, 39), start},
		{"commit moves", since(at(10, 0, 39), start), at(11, 0, 39), now},
		{"commit is set back", since(at(10, 0, 39), start), at(9, 0, 39), now},
		{"caught up", since(at(10, 0, 39), start), at(39, 0, 39), time.Time{}},
		{"caught up for an hour, then new records", since(at(39, 0, 39), time.Time{}), at(39, 0, 40), now},
		{"retention removes all lag", since(at(10, 0, 39), start), at(10, 39, 39), time.Time{}},
		{"log start not known", since(at(10, lag.Unknown, 39), start), at(10, lag.Unknown, 39), start},
		{"log end not known", since(at(10, 0, 39), start), at(10, 0, lag.Unknown), time.Time{}},
		{"commit expires", since(at(10, 0, 39), start), at(lag.NoCommit, 0, 39), time.Time{}},
		{"commit past the end", since(at(10, 0, 39), start), at(10, 0, 5), time.Time{}},
		{"failed read", since(at(10, 0, 39), start), failed, start},
	} {
		if got := lag.StalledSince(c.prev, c.next); !got.Equal(c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// A group is called stalled exactly as long as its commit has stood still with lag behind
// it, however often, and whenever, anybody looks.
func TestStalledSinceFollowsTheGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var known lag.Offsets
		var committed, end int64
		var stalled time.Time // by the definition, from the reads so far
		clock := now
		for range rapid.IntRange(1, 30).Draw(t, "reads") {
			clock = clock.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "seconds")) * time.Second)
			end += int64(rapid.IntRange(0, 2).Draw(t, "produced"))
			moved := min(int64(rapid.IntRange(0, 2).Draw(t, "taken")), end-committed)
			committed += moved
			next := lag.Offsets{Committed: committed, LogEnd: end, ObservedAt: clock}
			next.StalledSince = lag.StalledSince(known, next)
			known = next

			switch {
			case committed == end:
				stalled = time.Time{}
			case moved > 0 || stalled.IsZero():
				stalled = clock
			}
			if !known.StalledSince.Equal(stalled) {
				t.Fatalf("stalled since %v, want %v", known.StalledSince, stalled)
			}
		}
	})
}

func TestMovedAt(t *testing.T) {
	before := now.Add(-time.Hour)
	at := func(committed int64) lag.Offsets { return lag.Offsets{Committed: committed, ObservedAt: now} }
	moved := func(committed int64) lag.Offsets {
		return lag.Offsets{Committed: committed, ObservedAt: now.Add(-time.Second), MovedAt: before}
	}
	failed := at(11)
	failed.Err = errors.New("broker 2 does not answer")
	for _, c := range []struct {
		name       string
		prev, next lag.Offsets
		want       time.Time
	}{
		{"first read", lag.Offsets{}, at(10), time.Time{}},
		{"stands still", moved(10), at(10), before},
		{"forwards", moved(10), at(11), now},
		{"backwards", moved(10), at(9), now},
		{"to 0", moved(10), at(0), now},
		{"first commit", moved(lag.NoCommit), at(10), now},
		{"commit expires", moved(10), at(lag.NoCommit), before},
		{"failed read", moved(10), failed, before},
	} {
		if got := lag.MovedAt(c.prev, c.next); !got.Equal(c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
