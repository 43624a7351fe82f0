package collector

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/longpoll"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// sleeping opens a stream on a topic of its own, with so many partitions, whose group has read everything.
func (w *waitingCluster) sleeping(t *testing.T, c *Collector, i, partitions int) *stream {
	t.Helper()
	topic, group := fmt.Sprintf("t%d", i), fmt.Sprintf("g%d", i)
	ends := make([]int64, partitions)
	w.topic(topic, byte(i+1), ends...).commit(group, topic, ends...)
	return openStream(t, c, query(group, topic), 0)
}

func (w *waitingCluster) wantWaits(t *testing.T, when string, want ...int) {
	t.Helper()
	if got := w.waits(); !slices.Equal(got, want) {
		t.Errorf("%s, waits of %v partitions, want %v", when, got, want)
	}
}

// TestRenewalsThatEndApartAreComposedTogether: a busy broker, or a busy scaler,
// does not end all waits in one moment.
func TestRenewalsThatEndApartAreComposedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaitingCluster(1)
		c := start(t, w, Options{LongPolls: true, PartitionsPerWait: 24})
		var streams []*stream
		for i := range 8 {
			streams = append(streams, w.sleeping(t, c, i, 12))
		}
		pass(longpoll.CoalescingFor + 3*time.Second)
		late := []time.Duration{0, 30 * time.Millisecond, 90 * time.Millisecond, 300 * time.Millisecond}
		w.with(func() {
			w.late = func([]lag.LogWait) (by time.Duration) {
				if len(late) > 0 {
					by, late = late[0], late[1:]
				}
				return by
			}
		})
		pass(longpoll.MaxWait)
		w.wantWaits(t, "at first", 24, 24, 24, 24)
		for i := 1; i < 8; i += 2 {
			streams[i].stop()
		}
		before := w.count(fetch)
		pass(longpoll.MaxWait)
		if got := w.waits(); sum(got) != 48 || w.count(fetch)-before > 3 {
			t.Errorf("%d requests renewed four waits as %v partitions, want three at most: one came too late", w.count(fetch)-before, got)
		}
		pass(2 * longpoll.MaxWait)
		w.wantWaits(t, "after the next renewals", 24, 24)
		for i := 0; i < 8; i += 2 {
			produced := time.Now()
			w.produce(fmt.Sprintf("t%d", i), 0, 1)
			synctest.Wait()
			if took := streams[i].wantActive(t, produced); took > time.Millisecond {
				t.Errorf("stream %d was told after %v", i, took)
			}
		}
	})
}

// TestRecordsBetweenRenewals come when the wait of their partition has ended, and others are still being waited for.
func TestRecordsBetweenRenewals(t *testing.T) {
	for moment := range 30 {
		synctest.Test(t, func(t *testing.T) {
			w := newWaitingCluster(1)
			w.late = func(from []lag.LogWait) time.Duration {
				if from[0].Topic == "t1" {
					return 80 * time.Millisecond
				}
				return 0
			}
			c := start(t, w, Options{LongPolls: true, Interval: time.Minute})
			began := time.Now()
			s := w.sleeping(t, c, 0, 1)
			pass(time.Second)
			w.sleeping(t, c, 1, 1)
			pass(time.Until(began.Add(longpoll.MaxWait - 20*time.Millisecond + time.Duration(moment)*5*time.Millisecond)))
			produced := time.Now()
			w.produce("t0", 0, 1)
			pass(longpoll.RenewFor + 2*longpoll.CoalesceFor)
			if took := s.wantActive(t, produced); took > longpoll.RenewFor+longpoll.CoalesceFor {
				t.Errorf("told after %v, want %v at most", took, longpoll.RenewFor)
			}
		})
	}
}

// TestWaitsKeepTheirBounds has streams come and go, records arrive and waits end
// late, all of it at random.
func TestWaitsKeepTheirBounds(t *testing.T) {
	const most, size = 4, 10
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			w := newWaitingCluster(1)
			lateness := rand.New(rand.NewPCG(seed, 3))
			w.late = func([]lag.LogWait) time.Duration {
				return time.Duration(lateness.Int64N(int64(200 * time.Millisecond)))
			}
			c := start(t, w, Options{LongPolls: true, PartitionsPerWait: size, MaxWaitsPerBroker: most})
			streams, partitions := map[int]*stream{}, map[int]int{}
			for i := range 40 {
				partitions[i] = 1 + r.IntN(12)
				streams[i] = w.sleeping(t, c, i, partitions[i])
				if gone := r.IntN(i + 1); r.IntN(3) == 0 && streams[gone] != nil {
					streams[gone].stop()
					delete(streams, gone)
				}
				if busy := r.IntN(i + 1); r.IntN(3) == 0 {
					w.produce(fmt.Sprintf("t%d", busy), 0, 1)
					w.commit(fmt.Sprintf("g%d", busy), fmt.Sprintf("t%d", busy), w.end(busy))
				}
				for range 10 {
					pass(time.Duration(r.Int64N(int64(300 * time.Millisecond))))
					if got := w.waits(); len(got) > most {
						t.Fatalf("%d waits under way, %d are allowed", len(got), most)
					}
				}
			}
			pass(2*longpoll.MaxWait + longpoll.IdleFor)
			wanted := 0
			for i := range streams {
				wanted += partitions[i]
			}
			got := w.waits()
			if sum(got) != wanted || len(got) > (wanted+size-1)/size {
				t.Errorf("seed %d: waits of %v partitions at last, want %d in as few as they fit in", seed, got, wanted)
			}
		})
	}
}

// end is the log end of the first partition of topic i.
func (w *waitingCluster) end(i int) (end int64) {
	w.with(func() { end = w.topics[fmt.Sprintf("t%d", i)].ends[0] })
	return end
}

// TestKindsOfWaitsShareConnections: those who read committed records only are waited
// for apart, on connections of the same broker.
func TestKindsOfWaitsShareConnections(t *testing.T) {
	for _, most := range []int{2, 4, 16} {
		synctest.Test(t, func(t *testing.T) {
			w := newWaitingCluster(1)
			c := start(t, w, Options{LongPolls: true, MaxWaitsPerBroker: most})
			for i := range most + 2 {
				w.sleeping(t, c, i, 3)
				pass(time.Second)
			}
			w.topic("orders", 99, 10).commit("billing", "orders", 10)
			q := query("billing", "orders")
			q.ReadCommitted = true
			s := openStream(t, c, NewQuery(q.Selection, q.MaxAge), 0)
			pass(time.Second)
			if got := w.waits(); len(got) > most || sum(got) != 3*(most+2)+1 {
				t.Errorf("waits of %v partitions, want all on %d connections", got, most)
			}
			committed := time.Now()
			w.produce("orders", 0, 1)
			synctest.Wait()
			if took := s.wantActive(t, committed); took > time.Millisecond {
				t.Errorf("told after %v", took)
			}
			pass(longpoll.CoalescingFor)
			before := w.count(fetch)
			pass(longpoll.MaxWait)
			if got := w.count(fetch) - before; got > 2*most+2 {
				t.Errorf("%d requests in %v, which renew %d waits", got, longpoll.MaxWait, most)
			}
		})
	}
}
