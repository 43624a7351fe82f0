package kafka_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// callTime is ample for anything on loopback that does not wait on purpose.
const callTime = 20 * time.Second

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// newClient returns a client of the fake, closed when the test ends.
func newClient(t testing.TB, fake *fakekafka.Cluster, change ...func(*kafka.Config)) *kafka.Client {
	t.Helper()
	cfg := kafka.Config{Name: "test", BootstrapServers: fake.ListenAddrs()}
	for _, f := range change {
		f(&cfg)
	}
	client, err := kafka.New(cfg, kafka.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// seeded starts a fake of three brokers with topics t0, t1, ... of so many
// partitions each, led by the brokers in turn.
func seeded(t testing.TB, topics int, partitions int32, opts ...kfake.Opt) *fakekafka.Cluster {
	t.Helper()
	names := make([]string, topics)
	for i := range names {
		names[i] = fmt.Sprintf("t%d", i)
	}
	fake := fakekafka.Start(t, 3, append(opts, kfake.SeedTopics(partitions, names...))...)
	fake.LeadInTurn(t, names...)
	return fake
}

func allOf(topics int, partitions int32) []lag.TopicPartitions {
	parts := make([]lag.TopicPartitions, topics)
	for i := range parts {
		parts[i].Topic = fmt.Sprintf("t%d", i)
		for p := range partitions {
			parts[i].Partitions = append(parts[i].Partitions, p)
		}
	}
	return parts
}

// deliveries gathers what a reading method delivers and fails the test where it
// delivers something twice or from two goroutines at once.
type deliveries[K comparable, V any] struct {
	t    testing.TB
	key  func(V) K
	busy sync.Mutex
	all  map[K]V
	at   map[K]time.Time
}

func (d *deliveries[K, V]) deliver(vs []V) {
	if !d.busy.TryLock() {
		d.t.Error("deliver was called from two goroutines at a time")
		return
	}
	defer d.busy.Unlock()
	for _, v := range vs {
		k := d.key(v)
		if _, again := d.all[k]; again {
			d.t.Errorf("%v was delivered twice", k)
		}
		d.all[k] = v
		d.at[k] = time.Now()
	}
}

func offsets(t testing.TB) *deliveries[lag.TopicPartition, lag.LogOffset] {
	return &deliveries[lag.TopicPartition, lag.LogOffset]{
		t: t, key: func(o lag.LogOffset) lag.TopicPartition { return o.TopicPartition },
		all: map[lag.TopicPartition]lag.LogOffset{}, at: map[lag.TopicPartition]time.Time{},
	}
}

func commits(t testing.TB) *deliveries[string, lag.GroupCommits] {
	return &deliveries[string, lag.GroupCommits]{
		t: t, key: func(g lag.GroupCommits) string { return g.Group },
		all: map[string]lag.GroupCommits{}, at: map[string]time.Time{},
	}
}

func readOffsets(t testing.TB, client *kafka.Client, at lag.Position, parts []lag.TopicPartitions) map[lag.TopicPartition]lag.LogOffset {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	d := offsets(t)
	client.LogOffsets(ctx, at, parts, d.deliver)
	for _, p := range parts {
		for _, id := range p.Partitions {
			if _, ok := d.all[lag.TopicPartition{Topic: p.Topic, Partition: id}]; !ok {
				t.Errorf("%s-%d was not delivered", p.Topic, id)
			}
		}
	}
	return d.all
}

func readCommits(t testing.TB, client *kafka.Client, groups ...lag.GroupTopics) map[string]lag.GroupCommits {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	d := commits(t)
	client.Commits(ctx, groups, func(some []lag.GroupCommits) {
		some = slices.Clone(some)
		for i := range some {
			some[i].Commits = slices.Clone(some[i].Commits)
		}
		d.deliver(some)
	})
	for _, g := range groups {
		if _, ok := d.all[g.Group]; !ok {
			t.Errorf("group %s was not delivered", g.Group)
		}
	}
	return d.all
}

func committed(t testing.TB, answer lag.GroupCommits, topic string, partition int32) lag.Commit {
	t.Helper()
	if answer.Err != nil {
		t.Fatalf("group %s: %v", answer.Group, answer.Err)
	}
	for _, c := range answer.Commits {
		if c.Topic == topic && c.Partition == partition {
			return c
		}
	}
	t.Fatalf("group %s has no answer for %s-%d", answer.Group, topic, partition)
	return lag.Commit{}
}

func wantKind(t testing.TB, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Errorf("got error %v of kind %v, want kind %v", err, fault.KindOf(err), kind)
	}
}

func tp(topic string, partition int32) lag.TopicPartition {
	return lag.TopicPartition{Topic: topic, Partition: partition}
}
