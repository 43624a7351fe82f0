package kafka_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// What nobody waits for leaves a connection to each broker to others, however many of such calls there are.
func TestBackgroundLeavesAConnection(t *testing.T) {
	fake := seeded(t, 1, 3)
	client := newClient(t, fake)
	readOffsets(t, client, lag.End, allOf(1, 3)) // finds the leaders
	for node := range int32(3) {
		fake.Slow(node, 60*time.Millisecond)
	}
	most := func(ctx context.Context) int {
		var calls sync.WaitGroup
		for range 3 {
			calls.Go(func() {
				client.OffsetsForTimes(ctx, map[lag.TopicPartition]int64{tp("t0", 0): 1, tp("t0", 1): 1, tp("t0", 2): 1}, func([]lag.LogOffset) {})
			})
		}
		calls.Wait()
		most := 0
		for _, b := range client.Stats() {
			most = max(most, b.Open)
		}
		return most
	}
	ctx := within(t, callTime)
	if n := most(kafka.InBackground(ctx)); n != 1 {
		t.Errorf("in the background they had %d connections to a broker", n)
	}
	if n := most(ctx); n != 2 {
		t.Errorf("otherwise they had %d connections to a broker", n)
	}
}
