package simulate

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/internal/grouplag"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/trace"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/history/arrivals"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Kafka is the cluster that flags name.
type Kafka interface {
	// Add adds these flags to those of the command.
	Add(flags *pflag.FlagSet)
	// Open returns a client of the cluster.
	Open() (*kafka.Client, error)
}

// groupTimeout bounds the look at the group itself.
const groupTimeout = 15 * time.Second

// readGroup reads what arrived in the partitions of the group.
func (f *flags) readGroup(ctx context.Context, k Kafka, bar *bar) (load, error) {
	client, err := k.Open()
	if err != nil {
		return load{}, err
	}
	defer client.Close()
	partitions, err := f.partitions(ctx, client)
	if err != nil {
		return load{}, err
	}
	times := arrivals.Times(time.Now(), f.since+f.warmup)
	h, err := arrivals.Read(ctx, client, partitions, times, func(share float64) { bar.show("reading arrivals", share) })
	if err != nil {
		return load{}, err
	}
	t, err := trace.New(h.Rates())
	if err != nil || h.Total[len(h.Total)-1] == 0 {
		return load{}, f.refuse("too little arrived in its partitions in the time that is still retained", "ask for more time")
	}
	l := load{trace: t, partitions: len(partitions)}
	for _, tp := range partitions {
		l.weights = append(l.weights, float64(h.ByPartition[tp]))
	}
	return l, nil
}

func (f *flags) partitions(ctx context.Context, client *kafka.Client) ([]lag.TopicPartition, error) {
	ctx, cancel := context.WithTimeout(ctx, groupTimeout)
	defer cancel()
	g, err := grouplag.Read(ctx, client, f.group, f.topic)
	if err != nil {
		return nil, err
	}
	if len(g.Partitions) > simulation.MostPartitions {
		return nil, f.refuse("it has more partitions than can be simulated", "name one of its topics with --topic")
	}
	partitions := make([]lag.TopicPartition, len(g.Partitions))
	for i, p := range g.Partitions {
		partitions[i] = lag.TopicPartition{Topic: p.Topic, Partition: p.Partition}
	}
	return partitions, nil
}

func (f *flags) refuse(problem, remedy string) error {
	return &fault.Error{Kind: fault.Precondition, Op: "simulate", Object: f.object(), Err: errors.New(problem), Remedy: remedy}
}
