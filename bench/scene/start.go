package scene

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Cluster is a running cluster that has been set up.
type Cluster struct {
	Size
	// Kind is "Apache Kafka" with its version, or "kfake".
	Kind      string
	Bootstrap []string
	// Fake is the fake cluster, nil where Kafka is real.
	Fake *fakekafka.Cluster
	real *kafkabroker.Cluster
}

// heapMB is the heap of a real broker: 1,000 topics with ten partitions each need more than a test does.
const heapMB = 640

// StartReal starts Apache Kafka and sets it up.
func StartReal(ctx context.Context, size Size) (*Cluster, error) {
	brokers, err := kafkabroker.Start(ctx, kafkabroker.Options{Brokers: size.Brokers, HeapMB: heapMB, Extra: map[string]string{
		// A test's brokers look at every log every second. That would be most of their work here.
		"log.retention.check.interval.ms":     "300000",
		"offsets.retention.check.interval.ms": "600000",
		"log.cleaner.backoff.ms":              "15000",
		// A busy machine is no dead broker.
		"broker.session.timeout.ms":   "18000",
		"num.network.threads":         "3",
		"num.io.threads":              "4",
		"max.connections":             "50000",
		"offsets.topic.segment.bytes": "104857600",
	}})
	if err != nil {
		return nil, err
	}
	c := &Cluster{Size: size, Kind: "Apache Kafka " + brokers.Version(), Bootstrap: brokers.Bootstrap(), real: brokers}
	if err := brokers.CreateTopics(ctx, size.topicNames(), int32(size.Partitions), 1, nil); err != nil {
		_ = c.Close()
		return nil, err
	}
	if err := size.seed(ctx, c.Bootstrap); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("set up %s: %w", c.Kind, err)
	}
	return c, nil
}

// StartFake starts kfake in this process and sets it up.
func StartFake(ctx context.Context, size Size) (*Cluster, error) {
	fake, err := fakekafka.New(size.Brokers, kfake.SeedTopics(int32(size.Partitions), size.topicNames()...))
	if err != nil {
		return nil, err
	}
	c := &Cluster{Size: size, Kind: "kfake", Bootstrap: fake.ListenAddrs(), Fake: fake}
	if err := size.seed(ctx, c.Bootstrap); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("set up kfake: %w", err)
	}
	return c, nil
}

// Ports are those that the brokers listen on.
func (c *Cluster) Ports() map[int]bool {
	ports := map[int]bool{}
	for _, address := range c.Bootstrap {
		if _, port, err := net.SplitHostPort(address); err == nil {
			n, _ := strconv.Atoi(port)
			ports[n] = true
		}
	}
	return ports
}

// PIDs are the processes of the brokers; none where they are in this one.
func (c *Cluster) PIDs() (pids []int) {
	if c.real == nil {
		return nil
	}
	for _, node := range append(c.real.Brokers(), c.real.Controller()) {
		if node == nil {
			continue
		}
		if pid := node.PID(); pid != 0 && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Close ends the cluster.
func (c *Cluster) Close() error {
	if c.real == nil {
		c.Fake.Close()
		return nil
	}
	return c.real.Close()
}
