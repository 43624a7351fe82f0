package collector

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/longpoll"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

var pushed = Options{LongPolls: true}

// asleep is a cluster with one topic of two partitions, and a stream whose group has read everything.
func asleep(t *testing.T, opts Options, prepare ...func(*waitingCluster)) (*waitingCluster, *Collector, *stream) {
	t.Helper()
	w := newWaitingCluster(1)
	for _, f := range prepare {
		f(w)
	}
	w.topic("orders", 1, 10, 20).commit("billing", "orders", 10, 20)
	c := start(t, w, opts)
	s := openStream(t, c, query("billing", "orders"), 0)
	pass(300 * time.Millisecond)
	s.wantInactive(t)
	return w, c, s
}

func TestRecordsWakeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, s := asleep(t, pushed)
		for range 3 {
			pass(777 * time.Millisecond)
			produced := time.Now()
			w.produce("orders", 1, 5)
			synctest.Wait()
			if took := s.wantActive(t, produced); took > time.Millisecond {
				t.Errorf("the stream was told after %v", took)
			}
			// GetMetrics, which follows, sees the lag too.
			got := snapshot(t, c, query("billing", "orders")).Offsets[1]
			if got.LogEnd-got.Committed != 5 || got.LogStart != 0 || got.Err != nil {
				t.Errorf("the snapshot after the wake has %+v", got)
			}
			w.with(func() { w.groups["billing"][got.TopicPartition] = got.LogEnd })
			pass(1100 * time.Millisecond)
		}
	})
}

func TestWaitsAreSilentBetweenRenewals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := asleep(t, pushed)
		for range 5 {
			before := w.count(fetch)
			pass(longpoll.MaxWait)
			if got := w.count(fetch) - before; got != 1 {
				t.Errorf("%d requests in %v, want the one that renews", got, longpoll.MaxWait)
			}
			if got := w.waits(); !slices.Equal(got, []int{2}) {
				t.Errorf("waits of %v partitions, want one of 2", got)
			}
		}
	})
}

func TestBusyPartitionsAreNotWaitedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, s := asleep(t, pushed)
		w.produce("orders", 0, 1)
		synctest.Wait()
		s.wantActive(t, time.Now())
		before := w.count(fetch)
		for range 1000 {
			w.produce("orders", 0, 10)
			pass(10 * time.Millisecond)
		}
		// One more may be sent before the stream has said that it is active.
		if got := w.count(fetch) - before; got > 2 {
			t.Errorf("%d waits while the group had work", got)
		}
		if got := w.awaited("orders", 0); len(got) != 0 {
			t.Errorf("a partition with lag is waited on at %v", got)
		}
		w.with(func() { w.groups["billing"][lag.TopicPartition{Topic: "orders"}] = 10011 })
		pass(2100 * time.Millisecond)
		if got := w.awaited("orders", 0); got[0] != 10011 {
			t.Errorf("after the group has caught up, waited on at %v, want 10011", got)
		}
		produced := time.Now()
		w.produce("orders", 0, 1)
		synctest.Wait()
		if took := s.wantActive(t, produced); took > time.Millisecond {
			t.Errorf("the second wake took %v", took)
		}
	})
}

func TestThresholdIsCountedToWithoutMoreRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitingCluster(1)
		w.topic("orders", 1, 10, 20).commit("billing", "orders", 10, 20)
		c := start(t, w, pushed)
		s := openStream(t, c, query("billing", "orders"), 3)
		pass(300 * time.Millisecond)
		reads := w.count(listOffsets)
		for range 3 {
			w.produce("orders", 0, 1)
			pass(50 * time.Millisecond)
			s.wantInactive(t)
		}
		produced := time.Now()
		w.produce("orders", 1, 1)
		synctest.Wait()
		if took := s.wantActive(t, produced); took > time.Millisecond {
			t.Errorf("the record beyond the threshold took %v", took)
		}
		if got := w.count(listOffsets) - reads; got > 0 {
			t.Errorf("%d reads of log ends to count records", got)
		}
	})
}

func TestFloodBelowTheThresholdIsNoFloodOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitingCluster(1)
		w.topic("orders", 1, 10, 20).commit("billing", "orders", 10, 20)
		c := start(t, w, pushed)
		s := openStream(t, c, query("billing", "orders"), 1e9)
		pass(300 * time.Millisecond)
		before := w.count(fetch)
		for range 20_000 {
			w.produce("orders", 0, 1)
			pass(time.Millisecond)
		}
		s.wantInactive(t)
		if got := w.count(fetch) - before; got > 100 {
			t.Errorf("%d waits in 20 s of records", got)
		}
	})
}

func TestWakeIsNotUndoneByAReadThatWasUnderWay(t *testing.T) {
	// Log ends are read when they are asked for, and arrive 200 ms later.
	slowReads := func(w *waitingCluster) {
		w.behave = func(a api, _ int) (time.Duration, error) {
			if a == listOffsets {
				return 200 * time.Millisecond, nil
			}
			return 0, nil
		}
	}
	for phase := range 12 {
		synctest.Test(t, func(t *testing.T) {
			w, c, s := asleep(t, pushed, slowReads)
			pass(time.Duration(phase) * 100 * time.Millisecond)
			w.produce("orders", 0, 7)
			synctest.Wait()
			s.wantActive(t, time.Now())
			for range 30 {
				pass(50 * time.Millisecond)
				if got := snapshot(t, c, query("billing", "orders")).Offsets[0]; got.LogEnd != 17 {
					t.Fatalf("phase %d: the log end went back to %d", phase, got.LogEnd)
				}
			}
		})
	}
}

func TestShardsFollowWhatIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitingCluster(1)
		c := start(t, w, pushed)
		var streams []*stream
		for i := range 10 {
			streams = append(streams, w.sleeping(t, c, i, 100))
		}
		pass(longpoll.CoalescingFor + time.Second)
		// Two, each half as large again as others, if it seems that more are coming.
		first := len(w.waits())
		if got := w.waits(); sum(got) != 1000 || first < 2 || first > 3 {
			t.Errorf("waits of %v partitions for 1,000", got)
		}
		for i := range 5 {
			streams = append(streams, w.sleeping(t, c, 10+i, 10))
			pass(time.Second)
		}
		if got := w.waits(); len(got) > first+1 || sum(got) != 1050 {
			t.Errorf("waits of %v partitions, want at most one more, for the newcomers", got)
		}
		pass(longpoll.MaxWait)
		if got := w.waits(); !slices.Equal(got, []int{350, 350, 350}) {
			t.Errorf("after the renewal, waits of %v partitions, want three", got)
		}
		for _, s := range streams[1:] {
			s.stop()
		}
		pass(longpoll.MaxWait + longpoll.IdleFor)
		if got := w.waits(); !slices.Equal(got, []int{100}) {
			t.Errorf("with one stream left, waits of %v partitions, want 100", got)
		}
		streams[0].stop()
		pass(longpoll.IdleFor + 2*time.Second)
		if got := w.waits(); len(got) != 0 {
			t.Errorf("with no stream left, waits of %v partitions", got)
		}
	})
}

func TestManyStreamsShareOneWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitingCluster(1)
		w.topic("orders", 1, 10)
		c := start(t, w, pushed)
		var streams []*stream
		for i := range 500 {
			group := fmt.Sprintf("g%d", i%250)
			w.commit(group, "orders", 10)
			streams = append(streams, openStream(t, c, query(group, "orders"), 0))
		}
		pass(time.Second)
		if got := w.waits(); !slices.Equal(got, []int{1}) {
			t.Errorf("waits of %v partitions, want one of one", got)
		}
		produced := time.Now()
		w.produce("orders", 0, 1)
		synctest.Wait()
		for _, s := range streams {
			if took := s.wantActive(t, produced); took > time.Millisecond {
				t.Fatalf("told after %v", took)
			}
		}
	})
}

func TestWaitsAreBoundedByConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitingCluster(1)
		opts := pushed
		opts.PartitionsPerWait, opts.MaxWaitsPerBroker = 10, 4
		c := start(t, w, opts)
		for i := range 20 {
			w.sleeping(t, c, i, 5)
			pass(300 * time.Millisecond)
			if got := w.waits(); len(got) > 4 {
				t.Fatalf("%d waits under way, 4 are allowed", len(got))
			}
		}
		pass(5 * time.Second)
		if sum(w.waits()) != 100 {
			t.Errorf("waits of %v partitions, want all 100", w.waits())
		}
	})
}

func TestWaitsFollowLeaders(t *testing.T) {
	moved := lag.TopicPartition{Topic: "orders", Partition: 1}
	for name, announced := range map[string]bool{"the old leader says so": true, "only the metadata say so": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, _, s := asleep(t, pushed)
				if announced {
					w.change(func() { w.led[moved] = 7 })
				} else {
					w.with(func() { w.led[moved], w.believed[moved] = 7, 7 })
				}
				pass(1100 * time.Millisecond)
				if got := w.awaited("orders", 1); got[7] != 20 {
					t.Fatalf("waited on by leader at %v, want 20 on broker 7", got)
				}
				produced := time.Now()
				w.produce("orders", 1, 1)
				synctest.Wait()
				if took := s.wantActive(t, produced); took > time.Millisecond {
					t.Errorf("told after %v", took)
				}
			})
		})
	}
}

func TestLostLeaderIsLookedUpWithoutHaste(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, s := asleep(t, pushed)
		w.change(func() { w.led[lag.TopicPartition{Topic: "orders", Partition: 1}] = -1 })
		fetches := w.count(fetch)
		pass(10 * time.Second)
		if w.found < 5 || w.found > 25 || w.count(fetch)-fetches > 15 {
			t.Errorf("%d searches and %d waits in 10 s without a leader", w.found, w.count(fetch)-fetches)
		}
		if got := w.awaited("orders", 0); len(got) != 1 {
			t.Error("the other partition is not waited on")
		}
		w.change(func() { w.led[lag.TopicPartition{Topic: "orders", Partition: 1}] = 0 })
		pass(1100 * time.Millisecond)
		produced := time.Now()
		w.produce("orders", 1, 1)
		synctest.Wait()
		if took := s.wantActive(t, produced); took > time.Millisecond {
			t.Errorf("with the leader back, told after %v", took)
		}
	})
}

func TestBrokenWaitsAreBegunAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		w, _, s := asleep(t, pushed, func(w *waitingCluster) {
			w.behave = func(a api, _ int) (time.Duration, error) {
				if a == fetch && !up.Load() {
					return 0, errDown
				}
				return 0, nil
			}
		})
		w.produce("orders", 0, 1) // the broker dies over the answer
		pass(1100 * time.Millisecond)
		s.wantActive(t, time.Now()) // by the refresh
		w.with(func() { w.groups["billing"][lag.TopicPartition{Topic: "orders"}] = 11 })
		up.Store(true)
		pass(3 * time.Second)
		produced := time.Now()
		w.produce("orders", 0, 1)
		synctest.Wait()
		if took := s.wantActive(t, produced); took > time.Millisecond {
			t.Errorf("told after %v", took)
		}
	})
}

func TestDeniedTopicIsPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.WarnLevel)
		opts := pushed
		opts.Logger = zap.New(core)
		var stats WaitStats
		opts.Observer.Waiting = func(s WaitStats) { stats = s }
		w := newWaitingCluster(1)
		w.denied["orders"] = true
		w.topic("orders", 1, 10, 20).commit("billing", "orders", 10, 20)
		c := start(t, w, opts)
		s := openStream(t, c, query("billing", "orders"), 0)
		pass(3 * longpoll.DeniedFor)
		if got := w.count(fetch); got < 3 || got > 4 {
			t.Errorf("%d tries in %v, want one every %v", got, 3*longpoll.DeniedFor, longpoll.DeniedFor)
		}
		if got := logs.FilterMessageSnippet("at the refresh interval").Len(); got != 1 || stats.DeniedTopics != 1 {
			t.Errorf("%d warnings and %d topics counted, want one", got, stats.DeniedTopics)
		}
		produced := time.Now()
		w.produce("orders", 0, 1)
		pass(1100 * time.Millisecond)
		if took := s.wantActive(t, produced); took > time.Second {
			t.Errorf("told after %v, more than a refresh interval", took)
		}
		w.with(func() { w.groups["billing"][lag.TopicPartition{Topic: "orders"}] = 11 })
		w.with(func() { w.denied["orders"] = false })
		pass(longpoll.DeniedFor + 2*time.Second + longpoll.MaxWait)
		if got := w.waits(); !slices.Equal(got, []int{2}) || stats.DeniedTopics != 0 {
			t.Errorf("once allowed, waits of %v partitions and %d denied topics", got, stats.DeniedTopics)
		}
	})
}

func TestTruncatedLogIsReadAnewAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, s := asleep(t, Options{LongPolls: true, Interval: 30 * time.Second})
		truncated := time.Now()
		w.change(func() { w.topics["orders"].ends[1] = 4 })
		pass(250 * time.Millisecond)
		if got := snapshot(t, c, query("billing", "orders")).Offsets[1].LogEnd; got != 4 {
			t.Errorf("log end %d after truncation, want 4", got)
		}
		// The commit lies beyond the end now, and a consumer has to come up to be reset.
		s.wantActive(t, truncated)
	})
}

// TestTruncatedLogIsReadAnewUntilItCanBe: a leader that has just been elected may not know its end yet.
func TestTruncatedLogIsReadAnewUntilItCanBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failing atomic.Bool
		w, _, s := asleep(t, Options{LongPolls: true, Interval: 30 * time.Second}, func(w *waitingCluster) {
			w.behave = func(a api, _ int) (time.Duration, error) {
				if a == listOffsets && failing.Load() {
					return 0, errDown
				}
				return 0, nil
			}
		})
		failing.Store(true)
		reads := w.count(listOffsets)
		w.change(func() { w.topics["orders"].ends[1] = 4 })
		pass(5 * time.Second)
		if got := w.count(listOffsets) - reads; got < 2 || got > 7 {
			t.Errorf("%d reads in 5 s of a log that cannot be read", got)
		}
		s.wantInactive(t)
		failing.Store(false)
		pass(longpoll.ParkMost + 250*time.Millisecond)
		s.wantActive(t, time.Now())
	})
}

func TestTopicsThatChangeAreFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, s := asleep(t, pushed)
		w.topic("orders", 1, 10, 20, 0).commit("billing", "orders", 10, 20, 0)
		pass(12 * time.Second)
		if got := w.awaited("orders", 2); got[0] != 0 || len(got) != 1 {
			t.Errorf("a new partition is waited on at %v, want 0", got)
		}
		w.change(func() { delete(w.topics, "orders") })
		pass(5 * time.Second)
		if got := w.waits(); len(got) != 0 {
			t.Errorf("a deleted topic is waited on: %v", got)
		}
		w.topic("orders", 2, 0, 0).commit("billing", "orders", 0, 0)
		pass(2500 * time.Millisecond)
		produced := time.Now()
		w.produce("orders", 1, 1)
		synctest.Wait()
		if took := s.wantActive(t, produced); took > time.Millisecond {
			t.Errorf("a record in the new topic was told of after %v", took)
		}
	})
}

func TestPollModeDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, s := asleep(t, Options{})
		produced := time.Now()
		w.produce("orders", 0, 1)
		pass(1100 * time.Millisecond)
		if took := s.wantActive(t, produced); took > time.Second || w.count(fetch) != 0 {
			t.Errorf("told after %v, with %d waits", took, w.count(fetch))
		}
	})
}

func TestStableEndsAreWaitedForApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitingCluster(1)
		w.topic("orders", 1, 10).commit("billing", "orders", 10)
		c := start(t, w, pushed)
		q := query("billing", "orders")
		q.ReadCommitted = true
		s := openStream(t, c, NewQuery(q.Selection, q.MaxAge), 0)
		pass(300 * time.Millisecond)
		w.change(func() { w.topics["orders"].ends[0] = 15 })
		pass(100 * time.Millisecond)
		s.wantInactive(t)
		committed := time.Now()
		w.change(func() { w.topics["orders"].stable[0] = 16 })
		synctest.Wait()
		if took := s.wantActive(t, committed); took > time.Millisecond {
			t.Errorf("told after %v", took)
		}
	})
}
