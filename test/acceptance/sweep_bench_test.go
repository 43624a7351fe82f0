//go:build realkafka

package acceptance

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kafka-scaler/kafka-scaler/internal/sweepbench"
)

// BenchmarkSweep compares a sweep over 1,000 groups with 10 partitions each on
// three real brokers with the same through kafka-go's own Client. The brokers are
// other processes, so the CPU is the clients' alone.
func BenchmarkSweep(b *testing.B) {
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	offsets := map[int32]int64{}
	for p := range int32(sweepbench.Partitions) {
		offsets[p] = 0
	}
	const batch = 100
	for first := 0; first < sweepbench.Groups; first += batch {
		topics := make([]string, batch)
		for i := range topics {
			topics[i] = sweepbench.Topic(first + i)
		}
		if err := cluster.CreateTopics(ctx, topics, sweepbench.Partitions, 1, nil); err != nil {
			b.Fatal(err)
		}
	}
	var commits errgroup.Group
	commits.SetLimit(4)
	for i := range sweepbench.Groups {
		commits.Go(func() error { return cluster.Commit(ctx, sweepbench.Group(i), sweepbench.Topic(i), offsets) })
	}
	if err := commits.Wait(); err != nil {
		b.Fatal(err)
	}
	sweepbench.Run(b, cluster.Bootstrap(), nil)
}
