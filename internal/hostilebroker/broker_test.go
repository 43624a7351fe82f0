package hostilebroker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/hostilebroker"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func start(t *testing.T, kind hostilebroker.Kind) *hostilebroker.Broker {
	t.Helper()
	b, err := hostilebroker.Start(hostilebroker.Options{Kind: kind, Seed: 1, Advertise: "localhost:1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func client(t *testing.T, address string) *kafka.Client {
	t.Helper()
	c, err := kafka.New(kafka.Config{
		BootstrapServers: []string{address},
		DialTimeout:      300 * time.Millisecond, RequestTimeout: 300 * time.Millisecond,
	}, kafka.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestEveryKindIsSurvived has the scaler's client ask all kinds for everything. It
// has to come back in time, with each partition once, whatever it was told.
func TestEveryKindIsSurvived(t *testing.T) {
	parts := []lag.TopicPartitions{{Topic: "hostile-0", Partitions: []int32{0, 1, 2}}}
	for _, kind := range hostilebroker.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := start(t, kind)
			c := client(t, b.Address())
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, _ = c.Topics(ctx, []string{"hostile-0"})
			if kind != hostilebroker.MillionTopics { // a million topics take seconds with the race detector
				_, _ = c.Topics(ctx, nil)
			}
			var ends atomic.Int64
			c.LogOffsets(ctx, lag.End, parts, func(all []lag.LogOffset) { ends.Add(int64(len(all))) })
			if ends.Load() != 3 {
				t.Errorf("%d log offsets delivered, want one for each of 3 partitions", ends.Load())
			}
			c.GroupView(ctx, "group")
			if b.Stats().Accepted == 0 {
				t.Error("nobody asked the broker: this test checks nothing")
			}
		})
	}
}

func TestPlausibleIsABroker(t *testing.T) {
	b := start(t, hostilebroker.Plausible)
	c := client(t, b.Address())
	topics, err := c.Topics(t.Context(), []string{"hostile-0"})
	if err != nil || len(topics) != 1 || topics[0].Err != nil {
		t.Fatalf("topics %v, %v", topics, err)
	}
	c.LogOffsets(t.Context(), lag.End, []lag.TopicPartitions{{Topic: "hostile-0", Partitions: []int32{0}}}, func(all []lag.LogOffset) {
		if len(all) != 1 || all[0].Offset != hostilebroker.LogEnd {
			t.Errorf("log offsets %+v, want one that ends at %d", all, hostilebroker.LogEnd)
		}
	})
}

func TestUnknownKind(t *testing.T) {
	if b, err := hostilebroker.Start(hostilebroker.Options{Kind: "friendly"}); err == nil {
		b.Close()
		t.Error("a kind that there is not was started")
	}
}
