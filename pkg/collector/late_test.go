package collector

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatLateAnswersShowIsNews: a commit is shown with the first log end that is
// asked for after it. Where the one before came late, that is the next one, which is
// the same and still shows something new.
func TestWhatLateAnswersShowIsNews(t *testing.T) {
	for late := 100 * time.Millisecond; late < 4*time.Second; late += 100 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			k := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 5)
			slow := make(chan time.Duration, 1)
			k.behave = func(a api, _ int) (time.Duration, error) {
				if a == listOffsets {
					select {
					case d := <-slow:
						return d, nil
					default:
					}
				}
				return 0, nil
			}
			c := start(t, k, Options{})
			q := query("billing", "orders")
			seen, err := c.Wait(context.Background(), q, 0)
			if err != nil {
				t.Fatal(err)
			}
			pass(3 * time.Second)
			slow <- late
			pass(DefaultInterval + DefaultInterval/2)
			k.commit("billing", "orders", 7)
			told := int64(5)
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			for err == nil {
				if seen, err = c.Wait(ctx, q, seen); err == nil {
					told = snapshot(t, c, q).Offsets[0].Committed
				}
			}
			if told != 7 {
				t.Errorf("log end late by %v: whoever waits was told last of a commit of %d, want 7", late, told)
			}
		})
	}
}
