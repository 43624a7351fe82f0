package collector

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestLargeClusterIsReadMoreRarely(t *testing.T) {
	for name, c := range map[string]struct {
		given time.Duration
		want  time.Duration
	}{
		"by size":        {0, 2 * time.Second},
		"as it is given": {time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newCluster(1)
				w.topic("orders", 1, make([]int64, 80_000)...)
				var told time.Duration
				col := start(t, w, Options{MaxPositionsPerQuery: 80_000, Interval: c.given, Observer: Observer{Interval: func(d time.Duration) { told = d }}})
				q := query("billing", "orders")
				snapshot(t, col, q)
				pass(10 * time.Second)
				before := w.count(offsetFetch)
				pass(20 * time.Second)
				if got, want := w.count(offsetFetch)-before, int(20*time.Second/c.want); got < want-1 || got > want+1 {
					t.Errorf("%d refreshes in 20 s, want %d", got, want)
				}
				if c.given == 0 && told != c.want {
					t.Errorf("the observer was told %v, want %v", told, c.want)
				}
			})
		})
	}
}
