// Package fakekafka runs a Kafka cluster inside a test: franz-go's kfake, with
// the faults that tests of a client need around it. It is a fake: where it
// matters what real brokers do, use the real ones (internal/kafkabroker).
package fakekafka

import (
	"context"
	"fmt"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// TB is the part of testing.TB that is needed, so that programs can use the package too.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Cluster is a running fake. What it does not wrap is there through the embedded
// kfake.Cluster: faults by error code (Fault), moved leaders (MoveTopicPartition)
// and coordinators (RehashCoordinators), brokers that come and go.
type Cluster struct {
	*kfake.Cluster
	listeners []*listener // by node

	mu       sync.Mutex
	requests map[string]int
}

// Start runs a cluster of so many brokers until the test ends.
func Start(t TB, brokers int, opts ...kfake.Opt) *Cluster {
	t.Helper()
	c, err := New(brokers, opts...)
	if err != nil {
		t.Fatalf("start fake Kafka: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// New runs a cluster of so many brokers until it is closed.
func New(brokers int, opts ...kfake.Opt) (*Cluster, error) {
	c := &Cluster{requests: map[string]int{}}
	listen := func(network, address string) (net.Listener, error) {
		l, err := newListener(network, address)
		if err == nil {
			c.listeners = append(c.listeners, l)
		}
		return l, err
	}
	all := []kfake.Opt{kfake.NumBrokers(brokers), kfake.ListenFn(listen)}
	fake, err := kfake.NewCluster(append(all, opts...)...)
	if err != nil {
		return nil, err
	}
	c.Cluster = fake
	fake.Control(c.count)
	return c, nil
}

// Close ends the cluster and all its connections.
func (c *Cluster) Close() {
	for _, l := range c.listeners {
		l.drop()
	}
	c.Cluster.Close()
}

func (c *Cluster) count(req kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // kfake's signature
	c.KeepControl()
	name := kmsg.NameForKey(req.Key())
	if m, ok := req.(*kmsg.MetadataRequest); ok && m.Topics != nil && len(m.Topics) == 0 {
		name = WhichCluster
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[name]++
	return nil, nil, false
}

// WhichCluster is what [Cluster.Requests] calls a Metadata request that names no topic. Each new connection has one,
// to see which cluster it leads to.
const WhichCluster = "Metadata of no topic"

// Requests returns how many requests of each API the brokers have taken up, and starts counting again.
func (c *Cluster) Requests() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counted := maps.Clone(c.requests)
	clear(c.requests)
	return counted
}

// Hang makes a broker accept connections and read nothing, as one that is stopped
// with SIGSTOP, until Resume.
func (c *Cluster) Hang(node int32) { c.listeners[node].hang() }

// Resume ends Hang.
func (c *Cluster) Resume(node int32) { c.listeners[node].resume() }

// Slow makes a broker send every response so much later. Zero ends it.
func (c *Cluster) Slow(node int32, by time.Duration) { c.listeners[node].delay.Store(int64(by)) }

// DropConnections closes all connections to a broker from its side.
func (c *Cluster) DropConnections(node int32) { c.listeners[node].drop() }

// Connections returns how many connections to a broker are open.
func (c *Cluster) Connections(node int32) int { return c.listeners[node].count() }

// client returns a kgo client of the cluster. It stays below the versions that
// name topics by id, so that commits can name them.
func (c *Cluster) client(opts ...kgo.Opt) (*kgo.Client, error) {
	base := []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...), kgo.MaxVersions(kversion.V3_8_0())}
	return kgo.NewClient(append(base, opts...)...)
}

// CreateTopic creates a topic with so many partitions, led by the brokers in turn.
func (c *Cluster) CreateTopic(t TB, topic string, partitions int32, opts ...kgo.Opt) {
	t.Helper()
	c.with(t, opts, func(ctx context.Context, client *kgo.Client) error {
		req := kmsg.NewPtrCreateTopicsRequest()
		rt := kmsg.NewCreateTopicsRequestTopic()
		rt.Topic, rt.NumPartitions, rt.ReplicationFactor = topic, partitions, 1
		req.Topics = append(req.Topics, rt)
		resp, err := req.RequestWith(ctx, client)
		if err == nil && resp.Topics[0].ErrorCode != 0 {
			err = fmt.Errorf("create topic %s: error %d", topic, resp.Topics[0].ErrorCode)
		}
		return err
	})
	c.LeadInTurn(t, topic)
}

// LeadInTurn makes broker p mod n the leader of partition p of each topic. kfake
// draws leaders by lot, so that one of three brokers leads none of six partitions
// in every eleventh run, and a fault of it is none. Brokers are those of the start.
func (c *Cluster) LeadInTurn(t TB, topics ...string) {
	t.Helper()
	brokers := int32(len(c.listeners))
	for _, topic := range topics {
		partitions := c.PartitionInfos(topic)
		if len(partitions) == 0 {
			t.Fatalf("lead %s: no such topic", topic)
		}
		for _, p := range partitions {
			if err := c.MoveTopicPartition(topic, p.Partition, p.Partition%brokers); err != nil {
				t.Fatalf("lead %s-%d: %v", topic, p.Partition, err)
			}
		}
	}
}

// Produce appends so many records to a partition.
func (c *Cluster) Produce(t TB, topic string, partition int32, records int, opts ...kgo.Opt) {
	t.Helper()
	opts = append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	c.with(t, opts, func(ctx context.Context, client *kgo.Client) error {
		batch := make([]*kgo.Record, records)
		for i := range batch {
			batch[i] = &kgo.Record{Topic: topic, Partition: partition, Value: []byte("x")}
		}
		return client.ProduceSync(ctx, batch...).FirstErr()
	})
}

// Commit commits a group's offsets, by topic and partition, without being a member of it.
func (c *Cluster) Commit(t TB, group string, offsets map[string]map[int32]int64, opts ...kgo.Opt) {
	t.Helper()
	c.with(t, opts, func(ctx context.Context, client *kgo.Client) error {
		req := kmsg.NewPtrOffsetCommitRequest()
		req.Group, req.Generation = group, -1
		for topic, partitions := range offsets {
			rt := kmsg.NewOffsetCommitRequestTopic()
			rt.Topic = topic
			for partition, offset := range partitions {
				rp := kmsg.NewOffsetCommitRequestTopicPartition()
				rp.Partition, rp.Offset = partition, offset
				rt.Partitions = append(rt.Partitions, rp)
			}
			req.Topics = append(req.Topics, rt)
		}
		resp, err := req.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		for _, rt := range resp.Topics {
			for _, rp := range rt.Partitions {
				if rp.ErrorCode != 0 {
					return fmt.Errorf("commit %s-%d: error %d", rt.Topic, rp.Partition, rp.ErrorCode)
				}
			}
		}
		return nil
	})
}

func (c *Cluster) with(t TB, opts []kgo.Opt, do func(context.Context, *kgo.Client) error) {
	t.Helper()
	client, err := c.client(opts...)
	if err != nil {
		t.Fatalf("fake Kafka client: %v", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := do(ctx, client); err != nil {
		t.Fatalf("fake Kafka: %v", err)
	}
}

// OpenTransaction appends records to a partition in a transaction that stays open until the test ends.
func (c *Cluster) OpenTransaction(t TB, topic string, partition int32, records int) {
	t.Helper()
	client, err := c.client(kgo.TransactionalID("open-"+topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatalf("fake Kafka client: %v", err)
	}
	t.Cleanup(client.Close)
	if err := client.BeginTransaction(); err != nil {
		t.Fatalf("begin transaction: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for range records {
		if err := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Partition: partition}).FirstErr(); err != nil {
			t.Fatalf("produce in a transaction: %v", err)
		}
	}
}
