package collector

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/sweep"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// The size that the scaler is built for: as many ScaledObjects as there are groups,
// ten groups on each topic.
const (
	benchGroups     = 10_000
	benchTopics     = 1_000
	benchPartitions = 10
)

// instant is a Source that answers at once from what it has prepared, so that a
// benchmark measures the collector alone.
type instant struct {
	*cluster
	commits map[string][]lag.Commit
	topics  map[string]lag.Topic
	groups  []lag.GroupCommits
	offsets []lag.LogOffset
	calls   int
	// written is added to all log ends.
	written int64
}

func newInstant() *instant {
	s := &instant{commits: map[string][]lag.Commit{}, topics: map[string]lag.Topic{}}
	for i := range benchTopics {
		t := lag.Topic{Name: fmt.Sprintf("topic-%d", i)}
		for p := range int32(benchPartitions) {
			t.Partitions = append(t.Partitions, p)
		}
		s.topics[t.Name] = t
	}
	for i := range benchGroups {
		var commits []lag.Commit
		for p := range int32(benchPartitions) {
			tp := lag.TopicPartition{Topic: fmt.Sprintf("topic-%d", i%benchTopics), Partition: p}
			commits = append(commits, lag.Commit{TopicPartition: tp, Offset: 100})
		}
		s.commits[fmt.Sprintf("group-%d", i)] = commits
	}
	return s
}

func (s *instant) Topics(_ context.Context, names []string) ([]lag.Topic, error) {
	s.calls++
	var answer []lag.Topic
	for _, name := range names {
		answer = append(answer, s.topics[name])
	}
	return answer, nil
}

func (s *instant) Commits(_ context.Context, groups []lag.GroupTopics, deliver func([]lag.GroupCommits)) {
	s.calls++
	s.groups = s.groups[:0]
	for _, g := range groups {
		s.groups = append(s.groups, lag.GroupCommits{Group: g.Group, Commits: s.commits[g.Group], ReadAt: time.Now()})
	}
	deliver(s.groups)
}

func (s *instant) LogOffsets(_ context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
	s.calls++
	s.offsets = s.offsets[:0]
	offset := map[lag.Position]int64{lag.End: 150 + s.written, lag.Start: 10}[at]
	for _, tps := range parts {
		for _, p := range tps.Partitions {
			s.offsets = append(s.offsets, lag.LogOffset{TopicPartition: lag.TopicPartition{Topic: tps.Topic, Partition: p}, Offset: offset})
		}
	}
	deliver(s.offsets)
}

// filled returns a collector that has read all groups once, and the scope of its refresh.
func filled(b *testing.B) (*Collector, *sweep.Scope, []*Query) {
	c := New(newInstant(), Options{Grace: time.Minute})
	var queries []*Query
	for i := range benchGroups {
		q := query(fmt.Sprintf("group-%d", i), fmt.Sprintf("topic-%d", i%benchTopics))
		queries = append(queries, q)
		_, _ = c.enter(q)
	}
	c.readNew(b)
	s := c.live()
	c.sweeper.Sweep(context.Background(), s, time.Minute)
	return c, s, queries
}

// readNew makes the direct read of all queries that are new.
func (c *Collector) readNew(b *testing.B) {
	q := queries{c}
	var open []*store.Subscription
	for _, e := range q.New() {
		open = append(open, e.Subscription)
	}
	c.sweeper.Sweep(context.Background(), sweep.NewScope(open), time.Minute)
	access{c}.Write(func(s *store.Store, _ store.Stamp) {
		for _, sub := range open {
			if !s.Complete(sub) {
				b.Fatalf("query %s is not read", sub.Key())
			}
			q.Settle(sub)
		}
	})
}

// BenchmarkRefresh is one refresh of 10,000 groups with 100,000 positions: the
// goal for a whole refresh, Kafka's client included, is 200 ms of CPU.
func BenchmarkRefresh(b *testing.B) {
	before := heap()
	c, s, queries := filled(b)
	c.source.(*instant).calls = 0
	b.ReportAllocs()
	for b.Loop() {
		c.sweeper.Sweep(context.Background(), s, time.Minute)
	}
	b.ReportMetric(float64(c.source.(*instant).calls)/float64(b.N), "calls/op")
	b.ReportMetric(float64(heap()-before)/(benchGroups*benchPartitions), "retained-B/position")
	runtime.KeepAlive(c)
	runtime.KeepAlive(queries)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkSnapshot compares an answer from memory between two refreshes, and the
// first one after a refresh, with what any answer costs at least: a look into a map
// under a lock.
func BenchmarkSnapshot(b *testing.B) {
	c, _, queries := filled(b)
	ctx := context.Background()
	b.Run("map", func(b *testing.B) {
		i := 0
		for b.Loop() {
			c.mu.RLock()
			sub := c.subscriptions[queries[i%len(queries)].Key()]
			c.mu.RUnlock()
			if sub == nil {
				b.Fatal("unknown query")
			}
			i++
		}
	})
	b.Run("same", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if _, err := c.Snapshot(ctx, queries[i%len(queries)]); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
	b.Run("refreshed", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			sub, _ := c.enter(queries[i%len(queries)])
			sub.view.Store(nil)
			if _, err := c.Snapshot(ctx, queries[i%len(queries)]); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}

// BenchmarkWaiters is one refresh of 10,000 groups for half of which a stream waits:
// where every log has grown, until all streams have their new snapshot, and where
// nothing has changed; compare with BenchmarkRefresh.
func BenchmarkWaiters(b *testing.B) {
	c, s, queries := filled(b)
	ctx, cancel := context.WithCancel(context.Background())
	var streams sync.WaitGroup
	got := make(chan struct{}, benchGroups/2)
	for _, q := range queries[:benchGroups/2] {
		streams.Go(func() {
			var seen Version
			for {
				var err error
				if seen, err = c.Wait(ctx, q, seen); err != nil {
					return
				}
				if _, err := c.Snapshot(ctx, q); err != nil {
					b.Error(err)
				}
				got <- struct{}{}
			}
		})
	}
	all := func() {
		for range benchGroups / 2 {
			<-got
		}
	}
	all()
	b.Run("changed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.source.(*instant).written++
			c.sweeper.Sweep(ctx, s, time.Minute)
			c.tell(ctx)
			all()
		}
	})
	b.Run("same", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.sweeper.Sweep(ctx, s, time.Minute)
			c.tell(ctx)
		}
	})
	cancel()
	streams.Wait()
}
