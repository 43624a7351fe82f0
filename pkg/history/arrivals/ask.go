package arrivals

import (
	"context"
	"errors"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Source is what is read; pkg/kafka's Client is one. Each call asks every leader once.
type Source interface {
	LogOffsets(ctx context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset))
	OffsetsForTimes(ctx context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset))
}

const (
	// pause between two rounds keeps it to 20 requests a second and broker.
	pause = time.Second / 20
	// callTimeout bounds one round.
	callTimeout = 10 * time.Second
)

// offsets are by partition.
type offsets map[lag.TopicPartition]int64

// answers are what one round brought.
type answers struct {
	found  offsets
	failed map[lag.TopicPartition]error
}

// positions asks where logs begin or end.
func positions(ctx context.Context, source Source, at lag.Position, partitions []lag.TopicPartition) answers {
	parts := make([]lag.TopicPartitions, 0, len(partitions))
	for _, tp := range partitions {
		parts = append(parts, lag.TopicPartitions{Topic: tp.Topic, Partitions: []int32{tp.Partition}})
	}
	return once(ctx, len(partitions), func(ctx context.Context, deliver func([]lag.LogOffset)) {
		source.LogOffsets(ctx, at, parts, deliver)
	})
}

// atTimes asks for the first records at or after some times, in milliseconds since 1970.
func atTimes(ctx context.Context, source Source, times map[lag.TopicPartition]int64) answers {
	return once(ctx, len(times), func(ctx context.Context, deliver func([]lag.LogOffset)) {
		source.OffsetsForTimes(ctx, times, deliver)
	})
}

func once(ctx context.Context, n int, round func(context.Context, func([]lag.LogOffset))) answers {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	a := answers{found: make(offsets, n), failed: map[lag.TopicPartition]error{}}
	round(ctx, func(delivered []lag.LogOffset) {
		for i := range delivered {
			if o := &delivered[i]; o.Err != nil {
				a.failed[o.TopicPartition] = o.Err
			} else {
				a.found[o.TopicPartition] = o.Offset
			}
		}
	})
	return a
}

// problem returns why one of the partitions is not known; nil where all are.
func (a *answers) problem(partitions []lag.TopicPartition) error {
	for _, tp := range partitions {
		if err := a.failed[tp]; err != nil {
			return err
		}
		if _, known := a.found[tp]; !known {
			return &fault.Error{Kind: fault.Unavailable, Op: "read arrivals", Err: errors.New("a broker left partitions out of its answer"), Remedy: "try again"}
		}
	}
	return nil
}

// notAfter makes the offsets those of an earlier time than others. Producers' clocks differ: a log is never further than
// it was found to be later. Where no record has come since, it was where it was found later.
func (found offsets) notAfter(later offsets) {
	for tp, end := range later {
		if at, asked := found[tp]; asked && (at < 0 || at > end) {
			found[tp] = end
		}
	}
}

// removed reports whether a log may have had records before what is its start now. Of a log that is empty nothing can
// be told; it counts as one to which nothing came.
func removed(partitions []lag.TopicPartition, at, starts, ends offsets) bool {
	for _, tp := range partitions {
		if starts[tp] > 0 && at[tp] <= starts[tp] && starts[tp] < ends[tp] {
			return true
		}
	}
	return false
}

func wait(ctx context.Context) error {
	if !pace.Sleep(ctx, pause) {
		return ctx.Err()
	}
	return nil
}
