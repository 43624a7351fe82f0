//go:build realkafka

package acceptance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	triggers "github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// timed is a client that notes what it does to look up times.
type timed struct {
	*kafka.Client
	*tally
	mu sync.Mutex
	// sofar are those of this refresh, most the most of one.
	sofar, most lookups
}

// lookups are rounds of looking up times, and the requests that they took.
type lookups struct {
	rounds, requests int
	took             time.Duration
}

func (c *timed) OffsetsForTimes(ctx context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	c.take()
	began := time.Now()
	c.Client.OffsetsForTimes(ctx, times, deliver)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sofar.rounds++
	c.sofar.requests += c.take()["ListOffsets"]
	c.sofar.took += time.Since(began)
}

// refreshed ends a refresh.
func (c *timed) refreshed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most.rounds, c.most.requests = max(c.most.rounds, c.sofar.rounds), max(c.most.requests, c.sofar.requests)
	c.most.took = max(c.most.took, c.sofar.took)
	c.sofar = lookups{}
}

// takeMost returns the most that one refresh took since the last time.
func (c *timed) takeMost() lookups {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.most
	c.most = lookups{}
	return taken
}

// BenchmarkAges looks up the ages of 10,000 lagging partitions whose records lie
// unevenly over a day: at first, as they stand still, and as the commits of all of them
// move with every refresh. The rival is one request for each partition and guess, as
// kafka-go makes them; what is counted here is requests, which are one a leader and round.
func BenchmarkAges(b *testing.B) {
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	const topics, partitions, records, group = 1000, 10, 20, "ages"
	names := make([]string, topics)
	for i := range names {
		names[i] = fmt.Sprintf("aging-%d", i)
	}
	for first := 0; first < topics; first += 100 {
		if err := cluster.CreateTopics(ctx, names[first:first+100], partitions, 1, nil); err != nil {
			b.Fatal(err)
		}
	}
	day := time.Now().Add(-24 * time.Hour)
	for first := 0; first < topics; first += 100 {
		var all []*kgo.Record
		for _, name := range names[first : first+100] {
			for p := range int32(partitions) {
				at := day
				for range records {
					at = at.Add(time.Duration(rand.Int64N(int64(70 * time.Minute))))
					all = append(all, &kgo.Record{Topic: name, Partition: p, Timestamp: at})
				}
			}
		}
		if err := cluster.ProduceRecords(ctx, all...); err != nil {
			b.Fatal(err)
		}
	}
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(cluster.Bootstrap()...))
	if err != nil {
		b.Fatal(err)
	}
	defer admin.Close()
	commit := func(offset int64, partitions int32) {
		var all kadm.Offsets
		for _, name := range names {
			for p := range partitions {
				all.AddOffset(name, p, offset, -1)
			}
		}
		if err := admin.CommitAllOffsets(ctx, group, all); err != nil {
			b.Fatal(err)
		}
	}
	commit(5, partitions)
	counted := &tally{}
	client, err := kafka.New(kafka.Config{BootstrapServers: cluster.Bootstrap()}, kafka.Options{Observer: counted})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	source := &timed{Client: client, tally: counted}
	refreshed := make(chan struct{}, 1)
	c := collector.New(source, collector.Options{
		Interval: time.Second, FirstReadTimeout: time.Minute, RequestTimeout: 30 * time.Second, Grace: 30 * time.Second,
		Observer: collector.Observer{Refreshed: func(time.Duration, int) {
			source.refreshed()
			select {
			case refreshed <- struct{}{}:
			default:
			}
		}},
	})
	ended := make(chan struct{})
	running, stop := context.WithCancel(ctx)
	go func() { defer close(ended); _ = c.Run(running) }()
	defer func() { stop(); <-ended }()
	q := collector.NewQuery(triggers.Selection{ConsumerGroup: group, Topics: names, Ages: true}, time.Minute)
	known := func() int {
		s, err := c.Snapshot(ctx, q)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, o := range s.Offsets {
			if o.Oldest != nil && o.Oldest.Err == nil {
				n++
			}
		}
		return n
	}
	if n := known(); n != topics*partitions {
		b.Fatalf("%d ages are known", n)
	}
	source.refreshed()
	cold := source.takeMost()
	// during returns the most that one refresh took, while before is done to the commits some times.
	during := func(times int, before func(i int)) lookups {
		source.takeMost()
		for i := range times {
			before(i)
			<-refreshed // it may have been under way
			<-refreshed
			if n := known(); n != topics*partitions {
				b.Fatalf("%d ages are known", n)
			}
		}
		return source.takeMost()
	}
	for b.Loop() {
		during(1, func(int) {})
	}
	still := during(3, func(int) {})
	all := during(6, func(i int) { commit(int64(6+i), partitions) })
	during(10, func(int) {})
	some := during(6, func(i int) { commit(int64(12+i), 1) })
	b.ReportMetric(float64(cold.rounds), "rounds-cold")
	b.ReportMetric(float64(cold.requests), "requests-cold")
	b.ReportMetric(cold.took.Seconds(), "s-cold")
	b.ReportMetric(float64(still.requests), "requests-standing-still")
	b.ReportMetric(float64(all.requests), "requests-10000-moving")
	b.ReportMetric(all.took.Seconds(), "s-10000-moving")
	b.ReportMetric(float64(some.requests), "requests-1000-moving")
}
