package collector

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/longpoll"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func TestSleepersAreReadRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, s := asleep(t, pushed)
		pass(DefaultSleepInterval)
		before := w.count(offsetFetch)
		pass(20 * DefaultSleepInterval)
		if got := w.count(offsetFetch) - before; got < 20 || got > 24 {
			t.Errorf("%d reads in 20 times the interval for sleepers", got)
		}
		produced := time.Now()
		w.produce("orders", 0, 1)
		synctest.Wait()
		if took := s.wantActive(t, produced); took > time.Millisecond {
			t.Errorf("the sleeper was woken after %v", took)
		}
		before = w.count(offsetFetch)
		pass(20 * DefaultInterval)
		if got := w.count(offsetFetch) - before; got < 19 {
			t.Errorf("%d reads in 20 intervals of what is awake", got)
		}
	})
}

func TestWhatIsAwakeIsReadWithoutWhatSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, _ := asleep(t, pushed)
		w.topic("busy", 2, 100).commit("worker", "busy", 0)
		snapshot(t, c, query("worker", "busy"))
		pass(2 * DefaultSleepInterval)
		groups, reads := w.total(offsetFetch), w.count(offsetFetch)
		for i := range 20 {
			w.commit("worker", "busy", int64(i))
			pass(DefaultInterval)
			if got := snapshot(t, c, query("worker", "busy")); time.Since(got.ObservedAt) > DefaultInterval {
				t.Fatalf("what is awake is %v old", time.Since(got.ObservedAt))
			}
		}
		groups, reads = w.total(offsetFetch)-groups, w.count(offsetFetch)-reads
		if reads < 19 || groups > reads+5 {
			t.Errorf("%d groups in %d reads, want one but for every fifth", groups, reads)
		}
	})
}

func TestSleepersAndWakersChangePlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitingCluster(1)
		w.topic("a", 1, 5).commit("ga", "a", 5).topic("b", 2, 5).commit("gb", "b", 5)
		c := start(t, w, pushed)
		streams := map[string]*stream{"a": openStream(t, c, query("ga", "a"), 0), "b": openStream(t, c, query("gb", "b"), 0)}
		for round := range 20 {
			pass(DefaultSleepInterval + time.Duration(round)*73*time.Millisecond)
			topic := string("ab"[round%2])
			produced := time.Now()
			w.produce(topic, 0, 1)
			synctest.Wait()
			if took := streams[topic].wantActive(t, produced); took > time.Millisecond {
				t.Fatalf("round %d: woken after %v", round, took)
			}
			var end int64
			w.with(func() { end = w.topics[topic].ends[0] })
			w.commit("g"+topic, topic, end)
			pass(1100 * time.Millisecond)
			got := snapshot(t, c, query("g"+topic, topic)).Offsets[0]
			if got.LogEnd != end || got.Committed != end {
				t.Fatalf("round %d: a second after the group has caught up: %+v", round, got)
			}
		}
	})
}

func TestCommitMovedByHandWakesASleeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, s := asleep(t, pushed)
		pass(time.Minute)
		moved := time.Now()
		w.commit("billing", "orders", 3)
		pass(DefaultSleepInterval + DefaultInterval)
		if took := s.wantActive(t, moved); took > DefaultSleepInterval {
			t.Errorf("a commit moved back was seen after %v", took)
		}
	})
}

func TestLostWaitEndsTheSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, s := asleep(t, pushed)
		pass(time.Minute)
		w.change(func() { w.led[lag.TopicPartition{Topic: "orders"}] = -1 })
		before := w.count(offsetFetch)
		pass(4 * DefaultInterval)
		if got := w.count(offsetFetch) - before; got < 4 {
			t.Errorf("%d reads in four intervals without a leader", got)
		}
		s.wantInactive(t)
		w.change(func() { w.led[lag.TopicPartition{Topic: "orders"}] = 0 })
		pass(time.Minute)
		before = w.count(offsetFetch)
		pass(10 * DefaultSleepInterval)
		if got := w.count(offsetFetch) - before; got > 12 {
			t.Errorf("%d reads in ten intervals for sleepers, long after there was a leader again", got)
		}
	})
}

// TestSleepersOfASlowBrokerDoNotGrowOld: an answer that comes after the log ends of its round were asked for counts
// only from the next round on, and that must not be the next rare one.
func TestSleepersOfASlowBrokerDoNotGrowOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		_, c, s := asleep(t, pushed, func(w *waitingCluster) {
			w.behave = func(a api, _ int) (time.Duration, error) {
				if a == offsetFetch && slow.Load() {
					return 1500 * time.Millisecond, nil
				}
				return 0, nil
			}
		})
		pass(time.Minute)
		slow.Store(true)
		oldest := time.Duration(0)
		for range 600 {
			pass(100 * time.Millisecond)
			oldest = max(oldest, time.Since(snapshot(t, c, query("billing", "orders")).ObservedAt))
		}
		if most := DefaultSleepInterval + 3*time.Second; oldest > most {
			t.Errorf("its numbers were %v old, want at most %v", oldest, most)
		}
		s.wantInactive(t)
	})
}

// TestSleepersOfASlowClusterDoNotGrowOld: they wait for the refresh of what is awake, and then for their own.
func TestSleepersOfASlowClusterDoNotGrowOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		w, c, s := asleep(t, Options{LongPolls: true, Grace: 3 * time.Second}, func(w *waitingCluster) {
			w.behave = func(a api, _ int) (time.Duration, error) {
				if a != fetch && slow.Load() {
					return 600 * time.Millisecond, nil
				}
				return 0, nil
			}
		})
		w.topic("busy", 2, 100).commit("worker", "busy", 0)
		snapshot(t, c, query("worker", "busy"))
		pass(time.Minute)
		slow.Store(true)
		pass(10 * time.Second) // until it is known that it is slow
		oldest := time.Duration(0)
		for i := range 600 {
			w.commit("worker", "busy", int64(i%100))
			pass(100 * time.Millisecond)
			oldest = max(oldest, time.Since(snapshot(t, c, query("billing", "orders")).ObservedAt))
			snapshot(t, c, query("worker", "busy"))
		}
		// Up to four reads, as long a rest, and the reads again.
		if most := 12 * 600 * time.Millisecond; oldest > most {
			t.Errorf("its numbers were %v old, want at most %v", oldest, most)
		}
		s.wantInactive(t)
	})
}

func TestNotEverythingMaySleep(t *testing.T) {
	for name, c := range map[string]struct {
		maxAge  time.Duration
		prepare func(w *waitingCluster)
		opts    Options
	}{
		"numbers that would become too old": {maxAge: 2*DefaultSleepInterval - 1, opts: pushed},
		"a topic that must not be read":     {prepare: func(w *waitingCluster) { w.denied = map[string]bool{"orders": true} }, opts: pushed},
		"nothing is waited on":              {opts: Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWaitingCluster(1)
				w.topic("orders", 1, 10).commit("billing", "orders", 10)
				if c.prepare != nil {
					c.prepare(w)
				}
				q := query("billing", "orders")
				if c.maxAge != 0 {
					q = NewQuery(q.Selection, c.maxAge)
				}
				openStream(t, start(t, w, c.opts), q, 0)
				pass(10 * time.Second)
				before := w.count(offsetFetch)
				pass(20 * DefaultInterval)
				if got := w.count(offsetFetch) - before; got < 19 {
					t.Errorf("%d reads in 20 intervals", got)
				}
			})
		})
	}
}

func TestStreamThatEndsIsReadAsBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, s := asleep(t, pushed)
		pass(time.Minute)
		s.stop()
		pass(longpoll.IdleFor + 2*DefaultInterval)
		before := w.count(offsetFetch)
		pass(20 * DefaultInterval)
		if got := w.count(offsetFetch) - before; got < 19 {
			t.Errorf("%d reads in 20 intervals", got)
		}
		if s, err := c.Snapshot(context.Background(), query("billing", "orders")); err != nil || time.Since(s.ObservedAt) > DefaultInterval {
			t.Errorf("the snapshot is %v, %v", s, err)
		}
	})
}
