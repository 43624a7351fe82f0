//go:build realkafka

package acceptance

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-scaler/kafka-scaler/pkg/history/arrivals"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// BenchmarkArrivals reads what came to 1,000 partitions in a day, and meanwhile their log ends as a refresh does.
func BenchmarkArrivals(b *testing.B) {
	const topic, n, each, day = "many-arrivals", 1000, 50, 24 * time.Hour
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	if err := cluster.CreateTopic(ctx, topic, n, 1, nil); err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	var records []*kgo.Record
	var read []lag.TopicPartition
	for id := range int32(n) {
		read = append(read, lag.TopicPartition{Topic: topic, Partition: id})
		for i := range each {
			at := now.Add(-2 * day).Add(time.Duration(i) * 2 * day / each)
			records = append(records, &kgo.Record{Topic: topic, Partition: id, Value: []byte("x"), Timestamp: at})
		}
	}
	if err := cluster.ProduceRecords(ctx, records...); err != nil {
		b.Fatal(err)
	}
	client, err := kafka.New(kafka.Config{BootstrapServers: cluster.Bootstrap()}, kafka.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	// refresh reads the log ends again and again until done, and returns how long that took.
	refresh := func(done func() bool) []time.Duration {
		var took []time.Duration
		for !done() {
			began := time.Now()
			client.LogOffsets(ctx, lag.End, []lag.TopicPartitions{partitions(topic, n)}, func([]lag.LogOffset) {})
			took = append(took, time.Since(began))
			time.Sleep(200 * time.Millisecond)
		}
		slices.Sort(took)
		return took
	}
	refreshed := 0
	alone := refresh(func() bool { refreshed++; return refreshed > 100 })
	reader := arrivals.NewReader(background{client}, arrivals.Options{})
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); reader.Run(running) }()
	defer func() { stop(); <-ended }()
	for b.Loop() {
		began := time.Now()
		g := reader.Read(read)
		var total int64
		meanwhile := refresh(func() bool {
			spans, more := g.Take()
			for _, s := range spans {
				if s.Start.Before(now.Add(-day)) {
					return true
				}
				total += s.Records
			}
			return !more
		})
		took := time.Since(began)
		if g.Err() != nil || total < n*(each/2-2) || total > n*(each/2+2) {
			b.Fatalf("%d records came: %v", total, g.Err())
		}
		g.Close()
		b.ReportMetric(took.Seconds(), "s/day")
		b.ReportMetric(ms(alone[len(alone)/2]), "ms/refresh-alone")
		b.ReportMetric(ms(meanwhile[len(meanwhile)/2]), "ms/refresh-meanwhile")
		b.ReportMetric(ms(alone[len(alone)*95/100]), "ms/p95-alone")
		b.ReportMetric(ms(meanwhile[len(meanwhile)*95/100]), "ms/p95-meanwhile")
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// background reads as the scaler does what nobody waits for.
type background struct{ client *kafka.Client }

func (r background) LogOffsets(ctx context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
	r.client.LogOffsets(kafka.InBackground(ctx), at, parts, deliver)
}

func (r background) OffsetsForTimes(ctx context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	r.client.OffsetsForTimes(kafka.InBackground(ctx), times, deliver)
}
