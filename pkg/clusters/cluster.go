package clusters

import (
	"context"
	"sync"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/history/arrivals"
	"github.com/kafka-scaler/kafka-scaler/pkg/history/members"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Cluster is one Kafka cluster in use.
type Cluster struct {
	settings
	// client and collector are what reads it and what is known of it.
	client    Client
	collector *collector.Collector
	// members and arrivals read what targetLatency wants to know besides.
	members  *members.Watch
	arrivals *arrivals.Reader
	observer Observer
	log      *zap.Logger
	// namespace is whose trigger named the cluster first; meaningless for a configured one.
	namespace string
	// stop ends a cluster that runs.
	stop context.CancelFunc
	// merged is closed when another cluster has taken over its names.
	merged chan struct{}
}

// open makes a cluster that does nothing yet.
func (s *Set) open(what settings) (*Cluster, error) {
	name := what.cluster.Name
	observer := s.opts.Observe(name)
	log := s.opts.Logger.With(zap.String("cluster", name))
	client, err := s.opts.Open(s.kafkaConfig(what), kafka.Options{
		// The client names the cluster itself.
		Logger: s.opts.Logger, Observer: observer.Kafka, Budget: s.budget,
	})
	if err != nil {
		if observer.Close != nil {
			observer.Close()
		}
		return nil, err
	}
	options := collectorOptions(what)
	options.Logger, options.Observer, options.Quota = s.opts.Logger, observer.Collector, s.quota
	panicked := observer.Collector.Panicked
	return &Cluster{
		settings: what, client: client, collector: collector.New(client, options), observer: observer, log: log, merged: make(chan struct{}),
		members: members.New(client, members.Options{Panicked: panicked}), arrivals: arrivals.NewReader(background{client}, arrivals.Options{Panicked: panicked}),
	}, nil
}

// run reads the cluster until ctx ends, and closes it.
func (c *Cluster) run(ctx context.Context) {
	c.log.Info("cluster is watched", zap.Strings("bootstrapServers", c.cluster.BootstrapServers))
	var history sync.WaitGroup
	history.Go(func() { c.members.Run(ctx) })
	history.Go(func() { c.arrivals.Run(ctx) })
	// It has no error to return: a cluster that cannot be reached is no reason to end.
	_ = c.collector.Run(ctx)
	history.Wait()
	c.close()
	c.log.Info("cluster is not watched any more")
}

func (c *Cluster) close() {
	c.client.Close()
	if c.observer.Close != nil {
		c.observer.Close()
	}
}

// Name is the cluster's name in the configuration. Where only triggers name it, it is made of the addresses of the first
// one: see [inlineLabel].
func (c *Cluster) Name() string { return c.cluster.Name }

// WaitsForRecords tells whether triggers of type external-push learn of records from the brokers, and not from
// the refresh.
func (c *Cluster) WaitsForRecords() bool { return c.cluster.PushActivation != config.PushPoll }

// Snapshot returns what is known of the query's offsets, see [collector.Collector.Snapshot].
func (c *Cluster) Snapshot(ctx context.Context, q *collector.Query) (*collector.Snapshot, error) {
	return c.collector.Snapshot(ctx, q)
}

// Peek is Snapshot for once, see [collector.Collector.Peek].
func (c *Cluster) Peek(ctx context.Context, q *collector.Query) (*collector.Snapshot, error) {
	return c.collector.Peek(ctx, q)
}

// Group asks what a group is, see [collector.Collector.Group].
func (c *Cluster) Group(ctx context.Context, name string) lag.Group {
	return c.collector.Group(ctx, name)
}

// Wait returns once there is news of the query, see [collector.Collector.Wait].
func (c *Cluster) Wait(ctx context.Context, q *collector.Query, after collector.Version) (collector.Version, error) {
	return c.collector.Wait(ctx, q, after)
}

// WaitForRecords returns once there is news of the query, and at once where there are new records, see
// [collector.Collector.WaitForRecords].
func (c *Cluster) WaitForRecords(ctx context.Context, q *collector.Query, after collector.Version) (collector.Version, error) {
	return c.collector.WaitForRecords(ctx, q, after)
}

// FollowMembers has the members of a group read until the follower is closed, see [members.Watch].
func (c *Cluster) FollowMembers(group string) *members.Follower { return c.members.Follow(group) }

// ReadArrivals begins to read what came to the partitions in the past, see [arrivals.Reader].
func (c *Cluster) ReadArrivals(partitions []lag.TopicPartition) *arrivals.Reading {
	return c.arrivals.Read(partitions)
}

// background reads log offsets for what nobody waits for.
type background struct{ Client }

// LogOffsets implements [arrivals.Source].
func (b background) LogOffsets(ctx context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
	b.Client.LogOffsets(kafka.InBackground(ctx), at, parts, deliver)
}

// OffsetsForTimes implements [arrivals.Source].
func (b background) OffsetsForTimes(ctx context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	b.Client.OffsetsForTimes(kafka.InBackground(ctx), times, deliver)
}
