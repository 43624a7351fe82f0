package kafka_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/internal/sweepbench"
)

// BenchmarkSweep compares a sweep by this package with one by kafka-go's own
// Client. The fake brokers run in the same process and their CPU is in the figure
// of both; the benchmark of the same name in test/acceptance has real ones.
func BenchmarkSweep(b *testing.B) {
	topics := make([]string, sweepbench.Groups)
	for i := range topics {
		topics[i] = sweepbench.Topic(i)
	}
	fake := fakekafka.Start(b, 3, kfake.SeedTopics(sweepbench.Partitions, topics...))
	for i, topic := range topics {
		offsets := map[int32]int64{}
		for p := range int32(sweepbench.Partitions) {
			offsets[p] = 0
		}
		fake.Commit(b, sweepbench.Group(i), map[string]map[int32]int64{topic: offsets})
	}
	sweepbench.Run(b, fake.ListenAddrs(), func() int {
		total := 0
		for _, n := range fake.Requests() {
			total += n
		}
		return total
	})
}
