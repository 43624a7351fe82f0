package hostile

import (
	"context"
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
)

// What the honest Kafka holds. Every other honest group is behind by the same
// number of records in each partition; the others have read everything.
const (
	honestTopics     = 20
	honestPartitions = 6
	honestGroups     = 200
	newcomerGroups   = 2000
	wakerTopics      = 4
	written, read    = 5, 3
)

// behind is the lag of a group that is behind.
const behind = honestPartitions * (written - read)

// Kafka is an honest cluster: real, or a fake.
type Kafka interface {
	Bootstrap() []string
	CreateTopics(ctx context.Context, names []string, partitions int32) error
	Produce(ctx context.Context, topic string, partition int32, records int) error
	Commit(ctx context.Context, group, topic string, offsets map[int32]int64) error
	Close() error
}

func honestTopic(i int) string { return fmt.Sprintf("honest-%02d", i%honestTopics) }
func wakerTopic(i int) string  { return fmt.Sprintf("waker-%d", i) }

// lagOf is what the answer for honest group i has to be.
func lagOf(i int) int64 {
	if i/honestTopics%2 == 0 {
		return behind
	}
	return 0
}

// furnish writes the records and makes the commits.
func furnish(ctx context.Context, k Kafka) error {
	var topics []string
	for i := range honestTopics {
		topics = append(topics, honestTopic(i))
	}
	if err := k.CreateTopics(ctx, topics, honestPartitions); err != nil {
		return err
	}
	for _, topic := range topics {
		for p := range int32(honestPartitions) {
			if err := k.Produce(ctx, topic, p, written); err != nil {
				return err
			}
		}
	}
	var wakers []string
	for i := range wakerTopics {
		wakers = append(wakers, wakerTopic(i))
	}
	if err := k.CreateTopics(ctx, wakers, 1); err != nil {
		return err
	}
	for _, topic := range wakers {
		if err := k.Commit(ctx, "group-of-"+topic, topic, map[int32]int64{0: 0}); err != nil {
			return err
		}
	}
	for i := range honestGroups {
		if err := commit(ctx, k, fmt.Sprintf("honest-group-%03d", i), i); err != nil {
			return err
		}
	}
	return nil
}

// commit commits as much for a group as group i has read.
func commit(ctx context.Context, k Kafka, group string, i int) error {
	offset := int64(written)
	if lagOf(i) > 0 {
		offset = read
	}
	offsets := map[int32]int64{}
	for p := range int32(honestPartitions) {
		offsets[p] = offset
	}
	return k.Commit(ctx, group, honestTopic(i), offsets)
}

// realKafka is one real broker.
type realKafka struct{ *kafkabroker.Cluster }

// CreateTopics implements Kafka.
func (k realKafka) CreateTopics(ctx context.Context, names []string, partitions int32) error {
	return k.Cluster.CreateTopics(ctx, names, partitions, 1, nil)
}

// fake is a fake whose helpers report by panicking into an error.
type fake struct{ *fakekafka.Cluster }

// Bootstrap implements Kafka.
func (k fake) Bootstrap() []string { return k.ListenAddrs() }

// Close implements Kafka.
func (k fake) Close() error {
	k.Cluster.Close()
	return nil
}

// CreateTopics implements Kafka.
func (k fake) CreateTopics(_ context.Context, names []string, partitions int32) error {
	return attempt(func(t fakekafka.TB) {
		for _, name := range names {
			k.CreateTopic(t, name, partitions)
		}
	})
}

// Produce implements Kafka.
func (k fake) Produce(_ context.Context, topic string, partition int32, records int) error {
	return attempt(func(t fakekafka.TB) { k.Cluster.Produce(t, topic, partition, records) })
}

// Commit implements Kafka.
func (k fake) Commit(_ context.Context, group, topic string, offsets map[int32]int64) error {
	return attempt(func(t fakekafka.TB) { k.Cluster.Commit(t, group, map[string]map[int32]int64{topic: offsets}) })
}

// reporter turns a fatal failure of fakekafka's helpers into an error.
type reporter struct{}

type fatal struct{ error }

// Helper implements fakekafka.TB.
func (reporter) Helper() {}

// Cleanup implements fakekafka.TB. The helpers in use here leave nothing to clean up.
func (reporter) Cleanup(func()) {}

// Fatalf implements fakekafka.TB.
func (reporter) Fatalf(format string, arg ...any) { panic(fatal{fmt.Errorf(format, arg...)}) }

func attempt(do func(fakekafka.TB)) (err error) {
	defer func() {
		if f, ok := recover().(fatal); ok {
			err = f.error
		}
	}()
	do(reporter{})
	return nil
}

// startKafka starts one and furnishes it.
func startKafka(ctx context.Context, authentic bool) (Kafka, error) {
	var k Kafka
	if authentic {
		c, err := kafkabroker.Start(ctx, kafkabroker.Options{})
		if err != nil {
			return nil, err
		}
		k = realKafka{c}
	} else {
		c, err := fakekafka.New(1)
		if err != nil {
			return nil, err
		}
		k = fake{c}
	}
	if err := furnish(ctx, k); err != nil {
		_ = k.Close()
		return nil, fmt.Errorf("furnish the honest Kafka: %w", err)
	}
	return k, nil
}
