package collector

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/longpoll"
)

func TestThoseWhoComeOneAfterAnotherShareAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitingCluster(1)
		var passes atomic.Int32
		c := start(t, w, Options{
			LongPolls: true, Interval: time.Second, PartitionsPerWait: 20,
			Observer: Observer{Waiting: func(WaitStats) { passes.Add(1) }},
		})
		w.sleeping(t, c, 0, 10)
		pass(5 * time.Second)
		w.wantWaits(t, "at first", 10)

		const coming = 60
		began, before := time.Now(), w.count(fetch)
		for i := range coming {
			s := w.sleeping(t, c, 1+i, 1)
			pass(100 * time.Millisecond)
			if got := w.waits(); len(got) > 5 {
				t.Fatalf("after %d came, waits of %v partitions", i+1, got)
			}
			if i%10 != 7 {
				continue
			}
			produced := time.Now()
			w.produce(fmt.Sprintf("t%d", 1+i), 0, 1)
			pass(longpoll.CoalescingWait + 2*longpoll.CoalesceFor)
			if took := s.wantActive(t, produced); took > longpoll.CoalescingWait+2*longpoll.CoalesceFor {
				t.Errorf("told after %v, want %v at most", took, longpoll.CoalescingWait)
			}
		}
		took := time.Since(began)
		if got, most := w.count(fetch)-before, 3*int(took/longpoll.CoalescingWait)+coming/10; got > most {
			t.Errorf("%d requests in %v while %d came, want %d at most", got, took, coming, most)
		}

		done := passes.Load()
		pass(2 * time.Second)
		if got := passes.Load() - done; got > 5 {
			t.Errorf("%d passes in 2 s in which nothing happened", got)
		}

		pass(longpoll.CoalescingFor + longpoll.CoalescingWait)
		before = w.count(fetch)
		pass(5 * time.Second)
		if got := w.count(fetch) - before; got != 0 {
			t.Errorf("%d requests within 5 s when nobody comes any more", got)
		}
		pass(longpoll.MaxWait)
		if got := w.waits(); sum(got) != 10+coming-6 || len(got) > 4 {
			t.Errorf("after the renewal, waits of %v partitions", got)
		}
	})
}

// TestThoseWhoComeInAMomentAreComposedSoon: a scaler that starts, or takes over, hears of
// all its streams within a second.
func TestThoseWhoComeInAMomentAreComposedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitingCluster(1)
		c := start(t, w, Options{LongPolls: true, PartitionsPerWait: 20})
		for i := range 100 {
			w.sleeping(t, c, i, 4)
			pass(10 * time.Millisecond)
		}
		pass(longpoll.CoalescingFor)
		// As many as there are shards of that size, and one that may still gather.
		if got := w.waits(); sum(got) != 400 || len(got) > 18+1 {
			t.Errorf("waits of %v partitions, want nineteen at most", got)
		}
		requests := w.count(fetch)
		pass(longpoll.MaxWait / 2)
		if got := w.count(fetch) - requests; got > 1 {
			t.Errorf("%d requests in half the time of a wait after that", got)
		}
	})
}

// TestThoseWhoComeBackShareAWait: what was left by a wait while nobody wanted it is as
// new as anything else when it is wanted again.
func TestThoseWhoComeBackShareAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitingCluster(2)
		c := start(t, w, Options{LongPolls: true, Interval: time.Second, PartitionsPerWait: 100})
		came, next := 0, 10
		come := func(span time.Duration) {
			for end := time.Now().Add(span); time.Now().Before(end); came++ {
				next++
				for w.broker(fmt.Sprintf("t%d", next), 0) != 0 {
					next++
				}
				w.sleeping(t, c, next, 1)
				pass(110 * time.Millisecond)
			}
		}
		w.sleeping(t, c, 0, 20)
		w.sleeping(t, c, 1, 4)
		pass(longpoll.CoalescingFor + time.Second)
		come(time.Second)
		// The first is on broker 0, where it comes back to the wait that gathers; the second is on broker 1, and
		// leaves that wait's behind.
		for _, partition := range []int{1, 0} {
			w.produce("t1", partition, 1)
			come(1700 * time.Millisecond)
			w.commit("g1", "t1", w.topics["t1"].ends...)
			come(3 * time.Second)
		}
		waits := 0
		w.with(func() {
			for wait := range w.open {
				if wait.leader == 0 {
					waits++
				}
			}
		})
		if waits > 2 {
			t.Errorf("broker 0 has %d waits, want the first and one that gathers", waits)
		}
		if got := w.waits(); sum(got) != 24+came {
			t.Errorf("waits of %v partitions, want %d in all", got, 24+came)
		}
	})
}
