package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// listOffsetsVersions: 2 is the first with an isolation level, 4 the first with
// leader epochs, 7 the last before positions that we do not ask for.
var listOffsetsVersions = transport.Between(2, 7)

// LogOffsets reads one position of the partitions: one request a leader, all
// leaders at once. Partitions whose leader has moved or is gone are routed anew
// and asked for once more, within ctx. deliver gets every partition once, never
// from two goroutines at a time, as soon as its leader has answered or failed;
// errors are *fault.Error. A partition named twice is delivered once.
func (c *Client) LogOffsets(ctx context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
	r := &offsetsRead{c: c, at: at, deliver: deliver}
	r.read(ctx, distinct(parts))
}

// OffsetsForTimes finds, for each partition, the first record whose timestamp is
// at or after a time, in milliseconds since 1970: its offset and its timestamp, as
// LogOffsets finds positions. The offset is -1 where there is no such record.
func (c *Client) OffsetsForTimes(ctx context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	parts := make([]lag.TopicPartitions, 0, len(times))
	for tp := range times {
		parts = append(parts, lag.TopicPartitions{Topic: tp.Topic, Partitions: []int32{tp.Partition}})
	}
	r := &offsetsRead{c: c, times: times, deliver: deliver}
	r.read(ctx, distinct(parts))
}

// offsetsRead is one call of LogOffsets or OffsetsForTimes.
type offsetsRead struct {
	c  *Client
	at lag.Position
	// times are what is asked for in place of at; nil for none.
	times   map[lag.TopicPartition]int64
	asking  sync.WaitGroup
	mu      sync.Mutex // held while deliver runs
	deliver func([]lag.LogOffset)
}

// read makes the rounds, and fails all partitions if the client is closed.
func (r *offsetsRead) read(ctx context.Context, parts []lag.TopicPartitions) {
	ctx, end, err := r.c.begin(ctx)
	if err != nil {
		r.fail(rejected{parts: parts, err: err})
		return
	}
	defer end()
	r.round(ctx, parts, true)
	r.asking.Wait()
}

// round asks the leaders of parts, as far as the routes know them. What fails for
// a reason that newer routes may cure is asked for in another round, if again.
func (r *offsetsRead) round(ctx context.Context, parts []lag.TopicPartitions, again bool) {
	routedAt := time.Now()
	batches, lost := r.c.byLeader(parts)
	for _, reject := range lost {
		r.rejected(ctx, reject, routedAt, again)
	}
	for _, batch := range batches {
		r.c.guard.Start(&r.asking, "read log offsets", func() {
			for _, reject := range r.ask(ctx, batch) {
				r.rejected(ctx, reject, routedAt, again)
			}
		})
	}
}

func (r *offsetsRead) rejected(ctx context.Context, reject rejected, routedAt time.Time, again bool) {
	if !again || !reroutable(reject.err) || ctx.Err() != nil {
		r.fail(reject)
		return
	}
	r.c.guard.Start(&r.asking, "read log offsets", func() {
		r.c.log.Debug("partitions are routed anew", zap.Int("partitions", count(reject.parts)), zap.Error(reject.err))
		if err := r.c.refreshRoutes(ctx, topicNames(reject.parts), routedAt); err != nil {
			if errors.Is(reject.err, errNoRoute) {
				reject.err = err
			}
			r.fail(reject)
			return
		}
		r.round(ctx, reject.parts, false)
	})
}

// reroutable tells whether a failure may be over once the leaders are looked up again.
func reroutable(err error) bool {
	if _, old := errors.AsType[routeError](err); old {
		return true
	}
	if _, stale := errors.AsType[staleLeader](err); stale {
		return true
	}
	if code, ok := errors.AsType[wire.Code](err); ok {
		switch int16(code) {
		case wire.UnknownTopicOrPartition, wire.LeaderNotAvailable, wire.NotLeaderOrFollower, wire.ReplicaNotAvailable, wire.KafkaStorageError,
			wire.ListenerNotFound, wire.FencedLeaderEpoch, wire.UnknownLeaderEpoch, wire.OffsetNotAvailable:
			return true
		}
		return false
	}
	_, broken := errors.AsType[*transport.ConnError](err)
	_, missing := errors.AsType[noPartition](err)
	return broken || missing || errors.Is(err, errNoRoute) || errors.Is(err, errDropped)
}

// ask sends one request, delivers what it answers as it comes, and returns the rest.
func (r *offsetsRead) ask(ctx context.Context, batch leaderBatch) []rejected {
	refused := map[error][]lag.TopicPartitions{}
	f := newListOffsets(r.request(batch), batch.parts, r.c.turn.Of(ctx), r.hand, func(tp lag.TopicPartition, why error) {
		refused[why] = append(refused[why], lag.TopicPartitions{Topic: tp.Topic, Partitions: []int32{tp.Partition}})
	})
	_, err := r.c.ask(ctx, batch.broker, f, listOffsetsVersions)
	rejects := make([]rejected, 0, len(refused)+1)
	for why, parts := range refused {
		rejects = append(rejects, rejected{parts: distinct(parts), on: batch.broker, err: why})
	}
	if left := f.unanswered(); len(left) > 0 {
		if err == nil {
			err = errLeftOut
		}
		rejects = append(rejects, rejected{parts: left, on: batch.broker, err: err})
	}
	return rejects
}

// The timestamps that stand for positions.
const (
	endTimestamp   int64 = -1
	startTimestamp int64 = -2
)

var (
	errNoOffset = errors.New("the broker gave no offset")
	errLeftOut  = errors.New("the broker left it out of its answer")
)

// request asks for what is in a batch. The broker that does not lead a partition in
// the epoch that we know refuses: it is either not the leader any more and has not
// heard of it, or has been elected again since.
func (r *offsetsRead) request(batch leaderBatch) *kmsg.ListOffsetsRequest {
	parts, epochs := batch.parts, batch.epochs
	req := kmsg.NewPtrListOffsetsRequest()
	timestamp := endTimestamp
	switch r.at {
	case lag.StableEnd:
		req.IsolationLevel = 1
	case lag.Start:
		timestamp = startTimestamp
	}
	req.Topics = make([]kmsg.ListOffsetsRequestTopic, len(parts))
	all := make([]kmsg.ListOffsetsRequestTopicPartition, count(parts))
	for i, p := range parts {
		t := &req.Topics[i]
		t.Topic = p.Topic
		t.Partitions, all = all[:len(p.Partitions):len(p.Partitions)], all[len(p.Partitions):]
		for j, id := range p.Partitions {
			t.Partitions[j] = kmsg.NewListOffsetsRequestTopicPartition()
			t.Partitions[j].Partition = id
			t.Partitions[j].Timestamp = timestamp
			t.Partitions[j].CurrentLeaderEpoch, epochs = epochs[0], epochs[1:]
			if r.times != nil {
				t.Partitions[j].Timestamp = r.times[lag.TopicPartition{Topic: p.Topic, Partition: id}]
			}
		}
	}
	return req
}

// fail delivers an error for each of the partitions.
func (r *offsetsRead) fail(reject rejected) {
	op := "read the " + r.at.String() + " of"
	if r.times != nil {
		op = "look up timestamps of"
	}
	offsets := make([]lag.LogOffset, 0, count(reject.parts))
	for _, p := range reject.parts {
		for _, id := range p.Partitions {
			tp := lag.TopicPartition{Topic: p.Topic, Partition: id}
			offsets = append(offsets, lag.LogOffset{TopicPartition: tp, LeaderEpoch: lag.NoLeaderEpoch, Err: failure(op, reject.object(tp), reject.err)})
		}
	}
	r.hand(offsets)
}

func (r *offsetsRead) hand(offsets []lag.LogOffset) {
	if len(offsets) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deliver(offsets)
}

// rejected are partitions without an answer, and the reason that they share.
type rejected struct {
	parts []lag.TopicPartitions
	on    *transport.Broker // nil where no broker was asked
	err   error
}

func (r rejected) object(tp lag.TopicPartition) string {
	object := fmt.Sprintf("topic %q partition %d", tp.Topic, tp.Partition)
	if r.on != nil {
		object += " on " + r.on.Name()
	}
	return object
}
