package collector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// text renders what matters of a snapshot: topic-partition committed/start/end.
func text(s *Snapshot) string {
	var lines []string
	for _, o := range s.Offsets {
		line := fmt.Sprintf("%s %d/%d/%d", o.TopicPartition, o.Committed, o.LogStart, o.LogEnd)
		if o.Err != nil {
			line += " failing"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, ", ")
}

func wantText(t *testing.T, s *Snapshot, want string) {
	t.Helper()
	if diff := cmp.Diff(want, text(s)); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
}

// pass lets time pass, and whatever is due at its end happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestFirstReadThenMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(3).topic("orders", 1, 10, 20, 30).commit("billing", "orders", 10, 15, -1)
		c := start(t, k, Options{})
		q := query("billing", "orders")
		asked := time.Now()
		first := snapshot(t, c, q)
		// The log start is read only where lag can depend on it: partition 0 has none.
		wantText(t, first, "orders-0 10/-1/10, orders-1 15/0/20, orders-2 -1/0/30")
		if first.Err != nil || first.ObservedAt.Before(asked) {
			t.Errorf("err %v, observed %v before it was asked for", first.Err, asked.Sub(first.ObservedAt))
		}
		if same := snapshot(t, c, query("billing", "orders")); same != first {
			t.Error("two calls between two refreshes returned different snapshots")
		}
		if got := k.count(offsetFetch); got != 1 {
			t.Errorf("%d reads of commits for the first answers, want 1", got)
		}
		k.commit("billing", "orders", 10, 20, 7)
		pass(1100 * time.Millisecond)
		wantText(t, snapshot(t, c, q), "orders-0 10/-1/10, orders-1 20/0/20, orders-2 7/0/30")
	})
}

func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(3).topic("orders", 1, 10, 20).commit("billing", "orders", 1, 2)
		k.behave = func(api, int) (time.Duration, error) { return 20 * time.Millisecond, nil }
		c := start(t, k, Options{})
		var callers sync.WaitGroup
		for range 1000 {
			callers.Go(func() { wantText(t, snapshot(t, c, query("billing", "orders")), "orders-0 1/0/10, orders-1 2/0/20") })
		}
		callers.Wait()
		synctest.Wait()
		if diff := cmp.Diff(map[api]int{metadata: 1, offsetFetch: 1, listOffsets: 1, listStarts: 1}, k.calls); diff != "" {
			t.Errorf("calls for 1000 callers of one new query (-want +got):\n%s", diff)
		}
	})
}

func TestStormOfNewQueriesIsGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const queries = 10_000
		k := newCluster(3)
		for i := range queries {
			topic := fmt.Sprintf("t%d", i%1000)
			k.topic(topic, 1, 10).commit(fmt.Sprintf("g%d", i), topic, 3)
		}
		k.behave = func(api, int) (time.Duration, error) { return 10 * time.Millisecond, nil }
		direct, served := 0, 0
		c := start(t, k, Options{Observer: Observer{DirectRead: func(_ time.Duration, n int) { direct++; served += n }}})
		var callers sync.WaitGroup
		for i := range queries {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * time.Second / queries)
				wantText(t, snapshot(t, c, query(fmt.Sprintf("g%d", i), fmt.Sprintf("t%d", i%1000))), fmt.Sprintf("t%d-0 3/0/10", i%1000))
			})
		}
		callers.Wait()
		synctest.Wait()
		if direct > 12 || served != queries {
			t.Errorf("%d direct reads served %d queries, want at most 12 and %d", direct, served, queries)
		}
		if n := k.total(offsetFetch); n > 3*queries {
			t.Errorf("%d groups asked for, want each a few times at most", n)
		}
	})
}

// TestNewQueryDuringARefresh: one whose direct read ends while a refresh is under way is in the next.
func TestNewQueryDuringARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(2).topic("orders", 1, 10).commit("a", "orders", 1).commit("b", "orders", 1)
		slow := k.broker("a", 0)
		k.behave = func(a api, broker int) (time.Duration, error) {
			if a == offsetFetch && broker == slow {
				return DefaultGrace * 4 / 5, nil
			}
			return 0, nil
		}
		c := start(t, k, Options{})
		snapshot(t, c, query("a", "orders"))
		for k.count(offsetFetch) < 2 {
			pass(10 * time.Millisecond)
		}
		wantText(t, snapshot(t, c, query("b", "orders")), "orders-0 1/0/10")
		k.commit("b", "orders", 7)
		pass(3 * time.Second)
		wantText(t, snapshot(t, c, query("b", "orders")), "orders-0 7/0/10")
	})
}

func TestHungBrokerDelaysOnlyItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(3).topic("orders", 1, 10, 10, 10).commit("billing", "orders", 1, 1, 1)
		hung := k.broker("orders", 1)
		var hang atomic.Bool
		k.behave = func(a api, broker int) (time.Duration, error) {
			if hang.Load() && a == listOffsets && broker == hung {
				return time.Hour, nil
			}
			return time.Millisecond, nil
		}
		c := start(t, k, Options{})
		q := query("billing", "orders")
		snapshot(t, c, q)
		pass(500 * time.Millisecond)
		k.with(func() {
			hang.Store(true)
			k.topics["orders"].ends = []int64{50, 50, 50}
		})
		before := k.total(listOffsets)
		pass(9 * time.Second)
		s := snapshot(t, c, q)
		// The last known good stays, and says why there is no newer one.
		wantText(t, s, "orders-0 1/0/50, orders-1 1/0/10 failing, orders-2 1/0/50")
		for i, o := range s.Offsets {
			age := time.Since(o.ObservedAt)
			if hungOne := i == 1; hungOne != (age > 5*time.Second) || !hungOne && age > 2*time.Second {
				t.Errorf("%s is %s old", o.TopicPartition, age)
			}
		}
		// In 9 s, 2 healthy partitions 9 times, and the hung one each time the call before has failed, every 6 s.
		if n := k.total(listOffsets) - before; n > 2*9+4 {
			t.Errorf("%d partitions asked for while one broker hung", n)
		}
		// A new query on healthy brokers does not wait for the hung one either.
		k.topic("other", 1, 5).commit("other", "other", 5)
		k.with(func() { k.topics["orders"].ends = []int64{51, 51, 51} })
		asked := time.Now()
		if k.broker("other", 0) == hung {
			t.Fatal("the test's names must hash to different brokers")
		}
		wantText(t, snapshot(t, c, query("other", "other")), "other-0 5/-1/5")
		if took := time.Since(asked); took > 100*time.Millisecond {
			t.Errorf("a new query took %s", took)
		}
		hang.Store(false)
		// This fake's calls hang to their end; pkg/kafka's ask again within the call.
		pass(7 * time.Second)
		wantText(t, snapshot(t, c, q), "orders-0 1/0/51, orders-1 1/0/51, orders-2 1/0/51")
	})
}

func TestRecoveryWithinTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 1)
		var down atomic.Bool
		down.Store(true)
		k.behave = func(api, int) (time.Duration, error) {
			if down.Load() {
				return 0, errDown
			}
			return 0, nil
		}
		c := start(t, k, Options{Cluster: "main"})
		q := query("billing", "orders")
		if _, err := c.Snapshot(context.Background(), q); fault.KindOf(err) != fault.Unavailable {
			t.Fatalf("first read of a cluster that is down: %v, want unavailable", err)
		}
		pass(10 * time.Second)
		asked := time.Now()
		if _, err := c.Snapshot(context.Background(), q); fault.KindOf(err) != fault.Unavailable {
			t.Fatalf("read of a cluster that is down: %v, want unavailable", err)
		}
		if took := time.Since(asked); took > 0 {
			t.Errorf("a query that failed before took %s to fail again, want an answer from memory", took)
		}
		down.Store(false)
		pass(2 * time.Second)
		wantText(t, snapshot(t, c, q), "orders-0 1/0/10")
		// And the other way round: what is known stays known, and grows old.
		down.Store(true)
		observed := snapshot(t, c, q).ObservedAt
		pass(20 * time.Second)
		s := snapshot(t, c, q)
		wantText(t, s, "orders-0 1/0/10 failing")
		if !s.ObservedAt.Equal(observed) {
			t.Error("numbers grew younger without a read")
		}
	})
}

func TestSilentClusterEndsTheFirstReadInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10)
		k.behave = func(api, int) (time.Duration, error) { return time.Hour, nil }
		c := start(t, k, Options{})
		asked := time.Now()
		_, err := c.Snapshot(context.Background(), query("billing", "orders"))
		if took := time.Since(asked); fault.KindOf(err) != fault.Unavailable || took > DefaultFirstReadTimeout {
			t.Errorf("after %s: %v, want unavailable within %s", took, err, DefaultFirstReadTimeout)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if _, err := c.Snapshot(ctx, query("other", "orders")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller with a shorter deadline got %v", err)
		}
	})
}

func TestLateCoordinatorOfNewQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(3).topic("orders", 1, 10).commit("billing", "orders", 1)
		// Later than the grace: the first log ends are asked for before the commits have come, so they do not fit.
		k.behave = func(a api, _ int) (time.Duration, error) {
			if a == offsetFetch {
				return 600 * time.Millisecond, nil
			}
			return 0, nil
		}
		c := start(t, k, Options{})
		asked := time.Now()
		wantText(t, snapshot(t, c, query("billing", "orders")), "orders-0 1/0/10")
		if took := time.Since(asked); took > time.Second {
			t.Errorf("took %s, want little more than the coordinator's 600 ms", took)
		}
	})
}

func TestIdleQueriesLeaveAndTheClusterIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10).topic("mails", 2, 10).commit("billing", "orders", 1).commit("mail", "mails", 1)
		var queries atomic.Int64
		c := start(t, k, Options{IdleAfter: time.Minute, Observer: Observer{Queries: func(n int) { queries.Store(int64(n)) }}})
		pass(time.Hour)
		if n := k.count(metadata) + k.count(offsetFetch) + k.count(listOffsets); n > 0 {
			t.Errorf("%d calls without any query", n)
		}
		snapshot(t, c, query("billing", "orders"))
		for range 4 {
			snapshot(t, c, query("mail", "mails"))
			pass(30 * time.Second)
		}
		if groups, topics := kept(c); queries.Load() != 1 || groups != 1 || topics != 1 {
			t.Errorf("%d queries, %d groups, %d topics are kept, want 1 of each", queries.Load(), groups, topics)
		}
		pass(2 * time.Minute)
		before := k.count(offsetFetch)
		pass(time.Hour)
		_, topics := kept(c)
		if after := k.count(offsetFetch); after != before || topics != 0 {
			t.Errorf("%d calls in an hour in which nobody asked, %d topics kept", after-before, topics)
		}
		// It wakes up again.
		wantText(t, snapshot(t, c, query("billing", "orders")), "orders-0 1/0/10")
	})
}

// leftOf is how many groups and topics are kept.
func leftOf(c *Collector) int {
	groups, topics := kept(c)
	return groups + topics
}

func kept(c *Collector) (groups, topics int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	size := c.store.Size()
	return size.Groups, size.Topics
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 1)
		c := start(t, k, Options{IdleAfter: 3 * time.Second})
		q := query("billing", "orders")
		var seen Version
		ctx := context.Background()
		for i := range 20 {
			next, err := c.Wait(ctx, q, seen)
			if err != nil || next <= seen {
				t.Fatalf("wait %d: version %d after %d, %v", i, next, seen, err)
			}
			seen = next
			if got := snapshot(t, c, q).Offsets[0].Committed; i > 0 && got != int64(2+(i-1)%2) {
				t.Errorf("wait %d: committed %d", i, got)
			}
			k.commit("billing", "orders", int64(2+i%2))
		}
		if n := k.count(offsetFetch); n < 20 || n > 21 {
			t.Errorf("%d refreshes while waiting, want 20: who waits counts as asking, and wakes at every change", n)
		}
		seen, err := c.Wait(ctx, q, seen)
		if got := snapshot(t, c, q).Offsets[0].Committed; err != nil || got != 3 {
			t.Errorf("after the last commit, committed %d, %v", got, err)
		}
		// The same numbers are no news, however often they are read again.
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if _, err := c.Wait(ctx, q, seen); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait after its deadline: %v", err)
		}
		if age := time.Since(snapshot(t, c, q).ObservedAt); age > 2*time.Second {
			t.Errorf("after a minute without news, the numbers are %s old", age)
		}
	})
}

func TestWaitSaysWhyNothingIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newCluster(1), Options{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		seen, err := c.Wait(ctx, query("billing", "typo"), 0)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := c.Snapshot(ctx, query("billing", "typo")); fault.KindOf(err) != fault.NotFound {
			t.Errorf("Snapshot = %v, %v, want an error that names the topic", s, err)
		}
		// When it is certain that there is no such topic, it may be told once more; that it goes on failing is no news.
		if seen, err = c.Wait(ctx, query("billing", "typo"), seen); err == nil {
			seen, err = c.Wait(ctx, query("billing", "typo"), seen)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it is told again and again: version %d, %v", seen, err)
		}
	})
}

func TestEndedCollectorSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(newCluster(1).topic("orders", 1, 10), Options{Cluster: "main"})
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Snapshot(context.Background(), query("g", "orders")); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("Snapshot = %v", err)
		}
		if _, err := c.Wait(context.Background(), query("g", "orders"), 0); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("Wait = %v", err)
		}
	})
}

func TestStalledSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 10)
		c := start(t, k, Options{})
		q := query("billing", "orders")
		snapshot(t, c, q)
		pass(time.Minute)
		if s := snapshot(t, c, q); !s.Offsets[0].StalledSince.IsZero() {
			t.Error("a group that is caught up does not stand still")
		}
		k.with(func() { k.topics["orders"].ends[0] = 11 })
		pass(2 * time.Second)
		since := snapshot(t, c, q).Offsets[0].StalledSince
		pass(time.Minute)
		if s := snapshot(t, c, q); !s.Offsets[0].StalledSince.Equal(since) || time.Since(since) < time.Minute {
			t.Errorf("stalled since %s, then since %s", since, s.Offsets[0].StalledSince)
		}
		k.with(func() { k.topics["orders"].ends[0] = 20 })
		k.commit("billing", "orders", 12)
		pass(2 * time.Second)
		if s := snapshot(t, c, q); time.Since(s.Offsets[0].StalledSince) > 3*time.Second {
			t.Errorf("stalled since %s, though the commit has moved", s.Offsets[0].StalledSince)
		}
	})
}

func TestIntervalStretches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 1)
		k.behave = func(api, int) (time.Duration, error) { return 80 * time.Millisecond, nil }
		var stretched []time.Duration
		c := start(t, k, Options{Interval: 100 * time.Millisecond, Observer: Observer{
			Stretched: func(d time.Duration) { stretched = append(stretched, d) },
		}})
		snapshot(t, c, query("billing", "orders"))
		pass(10 * time.Second)
		// Two steps of 80 ms, and as long a rest.
		if len(stretched) == 0 || stretched[0] < 320*time.Millisecond || stretched[0] > 330*time.Millisecond {
			t.Errorf("stretched to %v, want 320 ms", stretched)
		}
		if n := k.count(offsetFetch); n > 32 {
			t.Errorf("%d refreshes in 10 s, want at most 32", n)
		}
	})
}

func TestIsolationLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 1)
		k.with(func() { k.topics["orders"].stable[0] = 7 })
		c := start(t, k, Options{})
		committed := NewQuery(trigger.Selection{ConsumerGroup: "billing", Topics: []string{"orders"}, ReadCommitted: true}, time.Second)
		wantText(t, snapshot(t, c, committed), "orders-0 1/0/7")
		wantText(t, snapshot(t, c, query("billing", "orders")), "orders-0 1/0/10")
		pass(2 * time.Second)
		wantText(t, snapshot(t, c, committed), "orders-0 1/0/7")
	})
}

// brokenSource answers less than it was asked for.
type brokenSource struct{ *cluster }

func (brokenSource) LogOffsets(context.Context, lag.Position, []lag.TopicPartitions, func([]lag.LogOffset)) {
}

func TestSourceThatLeavesAnswersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 1)
		c := start(t, brokenSource{k}, Options{})
		s := snapshot(t, c, query("billing", "orders"))
		if !s.ObservedAt.IsZero() || len(s.Offsets) != 1 || s.Offsets[0].Err == nil || s.Offsets[0].LogEnd != lag.Unknown {
			t.Errorf("got %s, observed %s; want one unknown partition with an error", text(s), s.ObservedAt)
		}
	})
}

// TestNewQueryJoinsTheRefreshWhateverItIsDoing has a query's direct read end at
// every moment of a refresh.
func TestNewQueryJoinsTheRefreshWhateverItIsDoing(t *testing.T) {
	for phase := time.Duration(0); phase < DefaultInterval; phase += 20 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 3).commit("audit", "orders", 4)
			c.behave = func(api, int) (time.Duration, error) { return 90 * time.Millisecond, nil }
			col := start(t, c, Options{})
			snapshot(t, col, query("billing", "orders"))
			pass(3*time.Second + phase)
			snapshot(t, col, query("audit", "orders"))
			pass(20 * time.Second)
			for _, group := range []string{"billing", "audit"} {
				if age := time.Since(snapshot(t, col, query(group, "orders")).ObservedAt); age > 2*DefaultInterval {
					t.Errorf("asked first %v after the others, the numbers of %s are %v old", phase, group, age)
				}
			}
		})
	}
}

// TestPeekLeavesNothing: thirty thousand explanations of triggers that KEDA never asked about are no reason to read
// as many every second.
func TestPeekLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10)
		c := start(t, k, Options{})
		const n = 300
		var peeks sync.WaitGroup
		for i := range n {
			peeks.Go(func() {
				s, err := c.Peek(t.Context(), query(fmt.Sprintf("g%d", i), "orders"))
				if err != nil || text(s) != "orders-0 -1/0/10" {
					t.Errorf("Peek = %v, %v", s, err)
				}
			})
		}
		peeks.Wait()
		pass(3 * time.Second)
		before := k.total(offsetFetch)
		pass(time.Minute)
		if more := k.total(offsetFetch) - before; more > 0 || len(c.subscriptions) > 0 || leftOf(c) > 0 {
			t.Errorf("%d groups read again, %d queries, and %+v are left", more, len(c.subscriptions), c.store.Size())
		}
	})
}

// TestPeekAndAsk: whoever asks keeps what somebody else only peeked at, and peeking does not keep what nobody asks about.
func TestPeekAndAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 3)
		c := start(t, k, Options{IdleAfter: 30 * time.Second})
		q := query("billing", "orders")
		if _, err := c.Peek(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		snapshot(t, c, q)
		pass(10 * time.Second)
		k.commit("billing", "orders", 7)
		pass(2 * time.Second)
		if s, err := c.Peek(t.Context(), q); err != nil || text(s) != "orders-0 7/0/10" {
			t.Errorf("Peek = %v, %v, want the numbers of the refresh", s, err)
		}
		for range 6 {
			pass(10 * time.Second)
			_, _ = c.Peek(t.Context(), q)
		}
		pass(3 * time.Second)
		if len(c.subscriptions) > 0 {
			t.Error("peeking kept a query that nobody asks about")
		}
	})
}
