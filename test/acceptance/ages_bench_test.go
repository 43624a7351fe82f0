//go:build realkafka

package acceptance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	triggers "github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// timed is a client that notes its rounds of looking up times.
type timed struct {
	*kafka.Client
	mu     sync.Mutex
	rounds int
	took   time.Duration
}

func (c *timed) OffsetsForTimes(ctx context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	began := time.Now()
	c.Client.OffsetsForTimes(ctx, times, deliver)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rounds++
	c.took += time.Since(began)
}

func (c *timed) take() (rounds int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rounds, took = c.rounds, c.took
	c.rounds, c.took = 0, 0
	return rounds, took
}

// BenchmarkAges looks up the ages of 10,000 lagging partitions whose records lie
// unevenly over a day: at first, and as they lag on. The rival is one request for
// each partition and guess, as kafka-go makes them; what is counted here is
// requests, which are one a leader and round.
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
	commit := func(offset int64) {
		offsets := map[int32]int64{}
		for p := range int32(partitions) {
			offsets[p] = offset
		}
		for _, name := range names {
			if err := cluster.Commit(ctx, group, name, offsets); err != nil {
				b.Fatal(err)
			}
		}
	}
	commit(5)
	client, err := kafka.New(kafka.Config{BootstrapServers: cluster.Bootstrap()}, kafka.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	source := &timed{Client: client}
	c := collector.New(source, collector.Options{Interval: time.Second, FirstReadTimeout: time.Minute, RequestTimeout: 30 * time.Second, Grace: 30 * time.Second})
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
	rounds, took := source.take()
	refreshes, all := 0, 0
	for b.Loop() {
		refreshes++
		time.Sleep(time.Second)
		rounds, _ := source.take()
		all += rounds
	}
	b.ReportMetric(float64(rounds), "rounds-cold")
	b.ReportMetric(took.Seconds(), "s-cold")
	b.ReportMetric(float64(all)/float64(refreshes), "rounds-standing-still")
}
