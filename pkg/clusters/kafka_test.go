package clusters

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// eventually polls until check returns nothing, and fails the test with what it returned last after 20 s.
func eventually(t *testing.T, check func() string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		problem := check()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(problem)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestOnBrokers puts the parts together: a real client on three brokers, one of which hangs for a while.
func TestOnBrokers(t *testing.T) {
	brokers := fakekafka.Start(t, 3)
	brokers.CreateTopic(t, "orders", 6)
	offsets := map[int32]int64{}
	for p := range int32(6) {
		brokers.Produce(t, "orders", p, 5)
		offsets[p] = 2
	}
	brokers.Commit(t, "billing", map[string]map[int32]int64{"orders": offsets})

	set, err := New(config.WithoutFile(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- set.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	servers := trigger.Connection{BootstrapServers: brokers.ListenAddrs()}
	c, err := set.Resolve("", servers)
	if err != nil {
		t.Fatal(err)
	}
	q := collector.NewQuery(trigger.Selection{ConsumerGroup: "billing"}, 10*time.Second)
	// lag returns the sum over the partitions and how many of them were read lately.
	lag := func() (sum int64, fresh int) {
		s, err := c.Snapshot(ctx, q)
		if err != nil {
			return 0, 0
		}
		for _, o := range s.Offsets {
			sum += o.LogEnd - o.Committed
			if time.Since(o.ObservedAt) < 2500*time.Millisecond {
				fresh++
			}
		}
		return sum, fresh
	}
	eventually(t, func() string {
		if sum, fresh := lag(); sum != 18 || fresh != 6 {
			return fmt.Sprintf("lag %d with %d fresh partitions, want 18 of 6", sum, fresh)
		}
		return ""
	})
	if open := set.Connections(); open[c.Name()] == 0 {
		t.Errorf("connections = %v, want some of %q", open, c.Name())
	}

	// A broker that leads two of the six partitions and does not keep the group's commits.
	hung := (brokers.CoordinatorFor("billing") + 1) % 3
	brokers.Hang(hung)
	eventually(t, func() string {
		sum, fresh := lag()
		if sum != 18 {
			t.Fatalf("lag %d while a broker hangs, want the last known 18", sum)
		}
		if fresh != 4 {
			return fmt.Sprintf("%d fresh partitions while a broker hangs that leads 2, want the other 4", fresh)
		}
		return ""
	})
	brokers.Resume(hung)
	for p := range int32(6) {
		brokers.Produce(t, "orders", p, 1)
	}
	eventually(t, func() string {
		if sum, fresh := lag(); sum != 24 || fresh != 6 {
			return fmt.Sprintf("lag %d with %d fresh partitions after the broker is back, want 24 of 6", sum, fresh)
		}
		return ""
	})
}
