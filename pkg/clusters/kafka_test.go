package clusters

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

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

// running returns a set with real clients that runs until the test ends, and the context that it runs in.
func running(t *testing.T, c config.Config) (*Set, context.Context) {
	t.Helper()
	set, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- set.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return set, ctx
}

// Brokers tell the id by which two lists of addresses are known to be one cluster, and two clusters to be two.
func TestListsOfAddressesOnBrokers(t *testing.T) {
	blue, green := fakekafka.Start(t, 3, kfake.ClusterID("blue")), fakekafka.Start(t, 1, kfake.ClusterID("green"))
	set, _ := running(t, config.WithoutFile())
	addrs := blue.ListenAddrs()
	list := func(servers ...string) *Cluster {
		c, err := set.Resolve("shop", trigger.Connection{BootstrapServers: servers})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	query := ordersQuery()
	for _, servers := range [][]string{addrs[:1], addrs[1:], addrs} {
		// The first call makes the connection that tells the id.
		_, _ = list(servers...).Snapshot(t.Context(), query)
	}
	other := list(green.ListenAddrs()...)
	_, _ = other.Snapshot(t.Context(), query)
	eventually(t, func() string {
		a, b, all := list(addrs[0]), list(addrs[1:]...), list(addrs...)
		if a != b || a != all {
			return "lists of addresses of one cluster are read as several"
		}
		return ""
	})
	if list(green.ListenAddrs()...) != other || other == list(addrs...) {
		t.Error("another cluster is not another one")
	}
}

// A cluster that a trigger has named leads the scaler to no address that the trigger could not name: its listener
// gets no connection, and the error says which key is in the way.
func TestForbiddenAddressesGetNoConnection(t *testing.T) {
	brokers := fakekafka.Start(t, 3)
	brokers.CreateTopic(t, "orders", 3)
	brokers.Commit(t, "billing", map[string]map[int32]int64{"orders": {0: 0, 1: 0, 2: 0}})
	addrs := brokers.ListenAddrs()
	forbidden := (brokers.CoordinatorFor("billing") + 1) % 3
	c := config.Default()
	for node, addr := range addrs {
		if int32(node) != forbidden {
			c.InlineBootstrapServers.Allow = append(c.InlineBootstrapServers.Allow, addr)
		}
	}
	set, ctx := running(t, c)
	before := brokers.Connections(forbidden)
	cluster, err := set.Resolve("shop", trigger.Connection{BootstrapServers: c.InlineBootstrapServers.Allow})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("broker %d at its advertised address %s: inlineBootstrapServers.allow does not allow", forbidden, addrs[forbidden])
	eventually(t, func() string {
		s, err := cluster.Snapshot(ctx, ordersQuery())
		if err != nil || len(s.Offsets) != 3 {
			return fmt.Sprint("no offsets: ", err)
		}
		read := 0
		for _, o := range s.Offsets {
			switch {
			case o.Partition == forbidden && (o.Err == nil || !strings.Contains(o.Err.Error(), want)):
				return fmt.Sprintf("partition %d: %v, want %q", o.Partition, o.Err, want)
			case o.Partition != forbidden && o.Err == nil:
				read++
			}
		}
		if read != 2 {
			return fmt.Sprintf("%d partitions of the allowed brokers were read", read)
		}
		return ""
	})
	if n := brokers.Connections(forbidden); n > before {
		t.Errorf("the forbidden listener has %d connections, %d before", n, before)
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

	set, ctx := running(t, config.WithoutFile())
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
