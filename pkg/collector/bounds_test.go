package collector

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/sweep"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// of returns a query on behalf of a namespace.
func of(namespace, group string, topics ...string) *Query {
	q := query(group, topics...)
	q.Namespace = namespace
	return q
}

// wantRefused fails the test unless the query is refused with these words.
func wantRefused(t *testing.T, c *Collector, q *Query, says string) {
	t.Helper()
	s, err := c.Snapshot(t.Context(), q)
	if fault.KindOf(err) != fault.Precondition || !strings.Contains(err.Error(), says) {
		t.Errorf("Snapshot = %v, %v, want a refusal that says %q", s, err, says)
	}
}

// wantEmpty fails the test if anything is left of what queries need.
func wantEmpty(t *testing.T, c *Collector) {
	t.Helper()
	size := c.store.Size()
	namespaces, bytes := c.opts.Quota.Used()
	left := map[string]int{
		"queries": len(c.subscriptions), "waiting": len(c.waiting), "queries of the store": size.Queries, "groups": size.Groups,
		"topics": size.Topics, "expressions": size.Expressions, "topics of the catalog": size.Listed, "namespaces": namespaces,
		"charged queries": size.ChargedQueries, "charged positions": size.ChargedPositions, "charged topics": size.ChargedTopics,
		"bytes charged to all": int(bytes), "subscriptions waited for": len(c.watchers.subscriptions),
	}
	for what, n := range left {
		if n > 0 {
			t.Errorf("%d %s are left", n, what)
		}
	}
}

// TestWhatNobodyWaitsForIsForgotten: streams of thousands of queries whose numbers never change, which end with their
// connection. Each would stay in the refresh for good if it were waited for until there is news.
func TestWhatNobodyWaitsForIsForgotten(t *testing.T) {
	for _, longPolls := range []bool{false, true} {
		t.Run(fmt.Sprintf("long polls %t", longPolls), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newWaitingCluster(1)
				k.topic("orders", 1, 10)
				c := start(t, k, Options{LongPolls: longPolls, IdleAfter: 10 * time.Second})
				ctx, cancel := context.WithCancel(t.Context())
				var waiting sync.WaitGroup
				for i := range 2000 {
					q := query(fmt.Sprint("g", i%1000), "orders")
					waiting.Go(func() {
						for after := Version(0); ; {
							v, err := c.WaitForRecords(ctx, q, after)
							if err != nil {
								return
							}
							after = v
						}
					})
				}
				pass(time.Minute)
				if n := subscribed(c); n != 1000 {
					t.Errorf("%d queries while all are waited for, want 1000", n)
				}
				cancel()
				waiting.Wait()
				pass(5 * time.Second)
				if n := subscribed(c); n != 1000 {
					t.Errorf("%d queries just after they were waited for, want 1000", n)
				}
				pass(time.Minute)
				wantEmpty(t, c)
			})
		})
	}
}

func subscribed(c *Collector) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.subscriptions)
}

// TestQueriesAreBounded fills the table of queries: those that come last are refused, those that are known live on,
// and all of it goes when nobody asks any more.
func TestQueriesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10)
		c := start(t, k, Options{MaxQueries: 30, Quota: NewQuota(20, 0, 0), IdleAfter: 10 * time.Second})
		for i := range 20 {
			snapshot(t, c, of("shop", fmt.Sprintf("g%d", i), "orders"))
		}
		wantRefused(t, c, of("shop", "one-more", "orders"), `the bound of namespace "shop": 20 of 20 queries are in use; delete ScaledObjects`)
		for i := range 10 {
			snapshot(t, c, of("other", fmt.Sprintf("h%d", i), "orders"))
		}
		wantRefused(t, c, of("third", "one-more", "orders"), "the cluster's bound: 30 of 30 queries are in use; spread")
		if _, err := c.Peek(t.Context(), of("third", "one-more", "orders")); fault.KindOf(err) != fault.Precondition {
			t.Errorf("Peek = %v, want a refusal", err)
		}
		if _, err := c.Wait(t.Context(), of("third", "one-more", "orders"), 0); fault.KindOf(err) != fault.Precondition {
			t.Errorf("Wait = %v, want a refusal", err)
		}
		k.commit("g3", "orders", 4)
		pass(1100 * time.Millisecond)
		wantText(t, snapshot(t, c, of("shop", "g3", "orders")), "orders-0 4/0/10")
		pass(20 * time.Second)
		wantEmpty(t, c)
		wantText(t, snapshot(t, c, of("shop", "one-more", "orders")), "orders-0 -1/0/10")
	})
}

// TestPositionsAreBounded: how large a query is shows when its topics are described. Whatever is too large is
// refused before there is room made for it, and asked for again when there is.
func TestPositionsAreBounded(t *testing.T) {
	selections := map[string]trigger.Selection{
		"named":      {Topics: []string{"large"}},
		"expression": {TopicRegex: "large"},
		"discovered": {},
	}
	for name, s := range selections {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newCluster(1).topic("orders", 1, make([]int64, 10)...).topic("large", 2, make([]int64, 95)...).commit("g", "large", 0, 0)
				c := start(t, k, Options{MaxPositions: 120, MaxPositionsPerQuery: 96, Quota: NewQuota(0, 100, 0), IdleAfter: 20 * time.Second})
				snapshot(t, c, of("shop", "a", "orders"))
				s.ConsumerGroup = "g"
				q := NewQuery(s, 10*time.Second)
				q.Namespace = "shop"
				// The two of the group that are known first, in a topic that is not described, count one.
				wantRefused(t, c, q, `the bound of namespace "shop": `)
				if n := room(c, "g"); n > store.SpareRoom {
					t.Errorf("there is room for %d positions of a query that is refused", n)
				}
				for range 15 {
					pass(time.Second)
					wantRefused(t, c, q, `the bound of namespace "shop": `)
					snapshot(t, c, of("shop", "a", "orders"))
				}
				if cluster, namespace := c.store.Size().ChargedPositions, c.opts.Quota.Positions("shop"); cluster != 10 || namespace != 10 {
					t.Errorf("%d positions are charged to the cluster, %d to the namespace, want 10", cluster, namespace)
				}
				// Once the other is gone, there is room.
				for range 40 {
					pass(time.Second)
					_, _ = c.Snapshot(t.Context(), q)
				}
				if s := snapshot(t, c, q); len(s.Offsets) != 95 || s.Err != nil {
					t.Errorf("%d partitions, %v, once there is room", len(s.Offsets), s.Err)
				}
				pass(time.Minute)
				wantEmpty(t, c)
			})
		})
	}
}

// room is for how many positions of the group there is memory.
func room(c *Collector, group string) (n int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.store.Room(group)
}

func TestOneQueryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1)
		for i := range 6 {
			k.topic(fmt.Sprintf("t%d", i), byte(i+1), make([]int64, 10)...).commit("g", fmt.Sprintf("t%d", i), 1)
		}
		c := start(t, k, Options{MaxTopicsPerQuery: 5, MaxPositionsPerQuery: 40})
		wantRefused(t, c, query("g", "t0", "t1", "t2", "t3", "t4", "t5"), "it selects 6 topics, and a trigger may have 5 of them; name fewer")
		wantRefused(t, c, query("g"), "it selects 6 topics, and a trigger may have 5 of them; name fewer")
		wantRefused(t, c, query("g", "t0", "t1", "t2", "t3", "t4"), "it selects 50 partitions, and a trigger may have 40 of them; name fewer")
		// One that grows beyond the bound is told so too.
		q := query("g", "t0", "t1", "t2", "t3")
		snapshot(t, c, q)
		k.topic("t3", 4, make([]int64, 11)...)
		pass(DefaultTopicsInterval + 2*time.Second)
		wantRefused(t, c, q, "it selects 41 partitions")
	})
}

// TestNamespacesShareAQuota: two clusters are no way around it.
func TestNamespacesShareAQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quota := NewQuota(2, 0, 0)
		k := newCluster(1).topic("orders", 1, 10)
		one, two := start(t, k, Options{Quota: quota}), start(t, k, Options{Quota: quota})
		snapshot(t, one, of("shop", "a", "orders"))
		snapshot(t, two, of("shop", "a", "orders"))
		wantRefused(t, two, of("shop", "b", "orders"), "2 of 2 queries")
		snapshot(t, two, of("other", "b", "orders"))
	})
}

// TestAllClustersShareTheMemory: beyond the bound of all, what is new is refused, what is known lives on, and one
// namespace alone cannot reach it.
func TestAllClustersShareTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Four queries of two topics, with ten partitions together.
		quota := NewQuota(0, 0, 4*(store.QueryBytes+2*store.TopicBytes+10*store.PositionBytes))
		k := newCluster(1).topic("orders", 1, make([]int64, 9)...).topic("paid", 2, 5)
		one, two := start(t, k, Options{Quota: quota, IdleAfter: 20 * time.Second}), start(t, k, Options{Quota: quota, IdleAfter: 20 * time.Second})
		for i := range 3 {
			snapshot(t, one, of("shop", fmt.Sprint("g", i), "orders", "paid"))
		}
		wantRefused(t, two, of("shop", "h", "orders", "paid"),
			`the bound of namespace "shop": queries and topics take 21900 of 21900 bytes, and this takes 1500 more; delete ScaledObjects`)
		snapshot(t, two, of("other", "h", "orders", "paid"))
		for _, c := range []*Collector{one, two} {
			s, err := c.Snapshot(t.Context(), of("third", "i", "paid"))
			if fault.KindOf(err) != fault.Exhausted ||
				!strings.Contains(err.Error(), "the bound of all clusters: queries and topics take 29200 of 29200 bytes, and this takes 1500 more; raise GOMEMLIMIT") {
				t.Errorf("Snapshot = %v, %v, want it refused for the bound of all", s, err)
			}
		}
		k.commit("g1", "orders", 4)
		pass(1100 * time.Millisecond)
		if s := snapshot(t, one, of("shop", "g1", "orders", "paid")); s.Err != nil || s.Offsets[0].Committed != 4 {
			t.Errorf("a query that was known is not kept fresh: %v, %v", s.Offsets[0], s.Err)
		}
		pass(time.Minute)
		wantEmpty(t, one)
		wantEmpty(t, two)
		snapshot(t, two, of("third", "i", "paid"))
	})
}

// TestListsOfTopicsAreCharged: a cluster may have a hundred thousand topics, and there may be a hundred such clusters.
// A list for which there is no room is none, and is not asked for in every refresh.
func TestListsOfTopicsAreCharged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10)
		c := start(t, k, Options{Quota: NewQuota(0, 0, 10_000), IdleAfter: 20 * time.Second})
		q := NewQuery(trigger.Selection{ConsumerGroup: "g", TopicRegex: "orders.*"}, 10*time.Second)
		snapshot(t, c, q)
		for i := range 30 {
			k.topic(fmt.Sprintf("orders-%d", i), byte(i+2), 10)
		}
		pass(DefaultTopicsInterval + 2*time.Second)
		const says = `list the topics of cluster "": the bound of all clusters: queries and topics take`
		if s := snapshot(t, c, q); fault.KindOf(s.Err) != fault.Exhausted || !strings.Contains(s.Err.Error(), says) {
			t.Errorf("Snapshot.Err = %v, want %s: there are topics that it leaves out", s.Err, says)
		}
		before := k.count(metadata)
		for range 15 {
			pass(time.Second)
			_, _ = c.Snapshot(t.Context(), q)
		}
		if n := k.count(metadata) - before; n > 4 {
			t.Errorf("the list was asked for %d times in 15 s", n)
		}
		for i := range 30 {
			k.with(func() { delete(k.topics, fmt.Sprintf("orders-%d", i)) })
		}
		pass(DefaultTopicsInterval + 2*time.Second)
		if s := snapshot(t, c, q); s.Err != nil {
			t.Errorf("Snapshot.Err = %v, with room again", s.Err)
		}
		pass(time.Minute)
		wantEmpty(t, c)
	})
}

// TestListThatFailsIsAskedForMoreRarely: a list of a million topics is refused once it was read, and costs as much each time.
func TestListThatFailsIsAskedForMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10)
		var failing atomic.Bool
		failing.Store(true)
		k.behave = func(a api, _ int) (time.Duration, error) {
			if a == metadata && failing.Load() {
				return 0, unavailable(errors.New("the broker's answer has more than 100000 topics"))
			}
			return 0, nil
		}
		c := start(t, k, Options{})
		q := NewQuery(trigger.Selection{ConsumerGroup: "g", TopicRegex: "orders"}, 10*time.Second)
		for range 60 {
			_, _ = c.Snapshot(t.Context(), q)
			pass(time.Second)
		}
		if n := k.count(metadata); n < 6 || n > 12 {
			t.Errorf("a list that fails was asked for %d times in a minute", n)
		}
		failing.Store(false)
		pass(DefaultTopicsInterval + 2*time.Second)
		if s := snapshot(t, c, q); s.Err != nil {
			t.Errorf("Snapshot.Err = %v, once there is a list", s.Err)
		}
	})
}

// TestQuotaIsGivenBackWhenACollectorEnds: a reload of the configuration replaces collectors.
func TestQuotaIsGivenBackWhenACollectorEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quota := NewQuota(1, 0, 0)
		k := newCluster(1).topic("orders", 1, 10)
		c := New(k, Options{Quota: quota})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		snapshot(t, c, of("shop", "a", "orders"))
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		snapshot(t, start(t, k, Options{Quota: quota}), of("shop", "a", "orders"))
	})
}

// TestCommitsOfPartitionsThatAreNot: ids become indexes, and a broker that is ill may say anything.
func TestCommitsOfPartitionsThatAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10)
		k.with(func() {
			k.groups["g"] = map[lag.TopicPartition]int64{{Topic: "orders"}: 3}
			for i := range int32(50) {
				k.groups["g"][lag.TopicPartition{Topic: "orders", Partition: store.MaxPartitions - 1 - i}] = 1
				k.groups["g"][lag.TopicPartition{Topic: fmt.Sprintf("t%d", i), Partition: store.MaxPartitions - 1}] = 1
				k.groups["g"][lag.TopicPartition{Topic: "orders", Partition: 1<<20 + i}] = 1
			}
		})
		c := start(t, k, Options{})
		wantText(t, snapshot(t, c, query("g")), "orders-0 3/0/10")
		pass(3 * time.Second)
		if n := room(c, "g"); n > 2*153+store.SpareRoom {
			t.Errorf("there is room for %d positions", n)
		}
	})
}

// TestHostileExpressionDelaysItsOwnQueries: it took the lock, and all others with it.
func TestHostileExpressionDelaysItsOwnQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1)
		for i := range 900 {
			k.topic(fmt.Sprintf("t%d", i), byte(i+1), 10)
		}
		k.commit("billing", "t7", 3)
		c := start(t, k, Options{})
		hostile := NewQuery(trigger.Selection{ConsumerGroup: "billing", TopicRegex: "(?:.?.?){9}Z"}, 10*time.Second)
		matched := 0
		access{c}.Write(func(s *store.Store, _ store.Stamp) {
			s.MatchBy(hostile.TopicRegex, func(string) bool {
				matched++
				time.Sleep(12 * time.Millisecond)
				return false
			})
		})
		var others sync.WaitGroup
		defer others.Wait()
		others.Go(func() {
			_, err := c.Snapshot(t.Context(), hostile)
			if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "still being matched with the names of 900 topics") {
				t.Errorf("Snapshot = %v, want one that says that it is still being matched", err)
			}
		})
		pass(200 * time.Millisecond)
		began := time.Now()
		wantText(t, snapshot(t, c, query("billing", "t7")), "t7-0 3/0/10")
		wantText(t, snapshot(t, c, selecting(trigger.Selection{ConsumerGroup: "billing", TopicRegex: "t7"})), "t7-0 3/0/10")
		if took := time.Since(began); took > 400*time.Millisecond {
			t.Errorf("others waited %v for a hostile expression", took)
		}
		pass(12 * time.Second)
		if _, err := c.Snapshot(t.Context(), hostile); fault.KindOf(err) != fault.NotFound {
			t.Errorf("Snapshot = %v, want that nothing matches", err)
		}
		// Only what is new is matched again.
		k.topic("t900", 1, 10)
		pass(DefaultTopicsInterval + 5*time.Second)
		if matched != 901 {
			t.Errorf("%d names were matched, want each of 901 once", matched)
		}
	})
}

// TestExpressionsGoWithTheirQueries, while they are being matched too.
func TestExpressionsGoWithTheirQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("t1", 1, 10).topic("t2", 2, 10)
		c := start(t, k, Options{IdleAfter: 5 * time.Second})
		for i := range 50 {
			text := fmt.Sprintf("t[%d-%d]", i%10, i)
			access{c}.Write(func(s *store.Store, _ store.Stamp) {
				s.MatchBy(text, func(string) bool { time.Sleep(10 * time.Second); return true })
			})
			_, _ = c.Snapshot(t.Context(), NewQuery(trigger.Selection{ConsumerGroup: "g", TopicRegex: text}, time.Second))
		}
		pass(20 * time.Minute)
		wantEmpty(t, c)
	})
}

// sick panics where it is told to.
type sick struct {
	*waitingCluster
	mu sync.Mutex
	at map[string]bool
}

func (s *sick) set(where string, ill bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[where] = ill
}

func (s *sick) maybe(where string) {
	s.mu.Lock()
	ill := s.at[where]
	s.mu.Unlock()
	if ill {
		panic("sick")
	}
}

func (s *sick) Topics(ctx context.Context, names []string) ([]lag.Topic, error) {
	s.maybe("Topics")
	return s.waitingCluster.Topics(ctx, names)
}

func (s *sick) Commits(ctx context.Context, groups []lag.GroupTopics, deliver func([]lag.GroupCommits)) {
	s.maybe("Commits")
	s.waitingCluster.Commits(ctx, groups, deliver)
}

func (s *sick) LogOffsets(ctx context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
	s.maybe("LogOffsets")
	s.waitingCluster.LogOffsets(ctx, at, parts, deliver)
}

func (s *sick) AwaitRecords(ctx context.Context, leader int32, at lag.Position, from []lag.LogWait, most time.Duration) ([]lag.LogWake, error) {
	s.maybe("AwaitRecords")
	return s.waitingCluster.AwaitRecords(ctx, leader, at, from, most)
}

func (s *sick) Leaders(topic string) func(int32) (int32, bool) {
	s.maybe("Leaders")
	return s.waitingCluster.Leaders(topic)
}

// TestPanicsEndNothingElse: whatever panics, the numbers grow old with their error, and come back.
func TestPanicsEndNothingElse(t *testing.T) {
	for _, where := range []string{"Topics", "Commits", "LogOffsets", "AwaitRecords", "Leaders", "observer"} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sick{waitingCluster: newWaitingCluster(1), at: map[string]bool{}}
				s.topic("orders", 1, 10).topic("mails", 2, 10).commit("billing", "orders", 3)
				var mu sync.Mutex
				panics := 0
				c := start(t, s, Options{LongPolls: true, Observer: Observer{
					Panicked:  func(string) { mu.Lock(); defer mu.Unlock(); panics++ },
					Refreshed: func(time.Duration, int) { s.maybe("observer") },
				}})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var sleeper sync.WaitGroup
				defer sleeper.Wait()
				defer cancel()
				never := stream{threshold: 1 << 60}
				sleeper.Go(func() { never.run(ctx, c, query("sleeper", "mails")) })
				wantText(t, snapshot(t, c, query("billing", "orders")), "orders-0 3/0/10")
				pass(2 * time.Second)
				s.set(where, true)
				_, _ = c.Snapshot(t.Context(), query(where, "orders"))
				pass(20 * time.Second)
				got, err := c.Snapshot(t.Context(), query("billing", "orders"))
				if err != nil || len(got.Offsets) != 1 || got.Offsets[0].Committed != 3 {
					t.Errorf("Snapshot = %v, %v, want the last known good", got, err)
				}
				mu.Lock()
				if panics == 0 {
					t.Error("no panic was counted")
				}
				mu.Unlock()
				s.set(where, false)
				s.change(func() { s.groups["billing"][lag.TopicPartition{Topic: "orders"}] = 8 })
				pass(30 * time.Second)
				wantText(t, snapshot(t, c, query("billing", "orders")), "orders-0 8/0/10")
				if got := snapshot(t, c, query(where, "orders")); got.Err != nil || got.Offsets[0].Err != nil {
					t.Errorf("the query that came meanwhile: %s, %v", text(got), errors.Join(got.Err, got.Offsets[0].Err))
				}
			})
		})
	}
}

// BenchmarkBytes tells what the bounds are made of: bytes of a query without any position, and of a position, all
// that is kept while somebody reads it included.
func BenchmarkBytes(b *testing.B) {
	for range b.N {
		before := heap()
		c, _, queries := filled(b)
		read := heap()
		for _, q := range queries {
			if _, err := c.Snapshot(b.Context(), q); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(read-before)/benchGroups, "B/query")
		b.ReportMetric(float64(heap()-before)/benchGroups, "B/query-that-is-read")
		runtime.KeepAlive(c)
	}
}

// BenchmarkWorstNamespace tells what one namespace can make the collector keep at most: all its positions in topics
// of one partition, with lag that was looked into, and every snapshot read.
func BenchmarkWorstNamespace(b *testing.B) {
	for range b.N {
		k := &library{cluster: newCluster(1), real: func(lag.TopicPartition, int64, bool) bool { return true }}
		const queries = DefaultNamespacePositions / DefaultMaxTopicsPerQuery
		for i := range DefaultMaxTopicsPerQuery {
			k.topic(fmt.Sprintf("some-topic-%d", i), byte(i), 100)
			for g := range queries {
				k.commit(fmt.Sprintf("g%d", g), fmt.Sprintf("some-topic-%d", i), 60)
			}
		}
		before := heap()
		c := New(k, Options{Grace: time.Minute})
		var open []*subscription
		var scope []*store.Subscription
		for g := range queries {
			sub, err := c.enter(NewQuery(trigger.Selection{ConsumerGroup: fmt.Sprintf("g%d", g), TopicRegex: "", Inspect: true}, time.Minute))
			if err != nil {
				b.Fatal(err)
			}
			open, scope = append(open, sub), append(scope, sub.of)
		}
		s := sweep.NewScope(scope)
		for range 4 {
			c.sweeper.Sweep(b.Context(), s, time.Minute)
		}
		for _, sub := range open {
			if v := c.current(sub); len(v.Offsets) != DefaultMaxTopicsPerQuery {
				b.Fatalf("%d partitions, %v", len(v.Offsets), v.Err)
			}
		}
		k.looks = nil
		b.ReportMetric(float64(heap()-before)/(1<<20), "MiB")
		b.ReportMetric(float64(heap()-before)/DefaultNamespacePositions, "B/position")
		runtime.KeepAlive(c)
		runtime.KeepAlive(k)
	}
}
