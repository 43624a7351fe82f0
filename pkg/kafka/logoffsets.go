package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// listOffsetsVersions: 2 is the first with an isolation level, 4 the first with
// leader epochs, 7 the last before positions that we do not ask for.
var listOffsetsVersions = transport.Between(2, 7)

// LogOffsets reads one position of the partitions: one request a leader, all
// leaders at once. Partitions whose leader has moved or is gone are routed again
// and asked for once more, within ctx. deliver gets every partition once, never
// from two goroutines at a time, as soon as its leader has answered or failed;
// errors are *fault.Error. A partition named twice is delivered once.
func (c *Client) LogOffsets(ctx context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
	c.readOffsets(ctx, offsetsQuestion{at: at}, parts, deliver)
}

// OffsetsForTimes finds, for each partition, the first record whose timestamp is
// at or after a time, in milliseconds since 1970: its offset and its timestamp, as
// LogOffsets finds positions. The offset is -1 where there is no such record.
func (c *Client) OffsetsForTimes(ctx context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	parts := make([]lag.TopicPartitions, 0, len(times))
	for tp := range times {
		parts = append(parts, lag.TopicPartitions{Topic: tp.Topic, Partitions: []int32{tp.Partition}})
	}
	c.readOffsets(ctx, offsetsQuestion{times: times}, parts, deliver)
}

// offsetsQuestion is what is asked about each partition.
type offsetsQuestion struct {
	at lag.Position
	// times are what is asked for in place of at; nil for none.
	times map[lag.TopicPartition]int64
}

func (c *Client) readOffsets(ctx context.Context, q offsetsQuestion, parts []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
	f := &fanout[lag.TopicPartitions, lag.LogOffset]{client: c, what: "read log offsets", owners: byLeader{c}, failed: q.failed, deliver: deliver}
	f.ask = func(ctx context.Context, p portion[lag.TopicPartitions]) []rejected[lag.TopicPartitions] {
		refused := rejects[lag.TopicPartitions]{on: p.broker}
		req := newListOffsets(q.request(p), p.items, c.turn.Of(ctx), f.hand, func(tp lag.TopicPartition, why error) {
			refused.add(why, lag.TopicPartitions{Topic: tp.Topic, Partitions: []int32{tp.Partition}})
		})
		_, err := c.ask(ctx, p.broker, req, listOffsetsVersions)
		if left := req.unanswered(); len(left) > 0 {
			refused.add(cmp.Or(err, errLeftOut), left...)
		}
		for i := range refused.all {
			refused.all[i].items = distinct(refused.all[i].items)
		}
		return refused.all
	}
	f.run(ctx, distinct(parts))
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

// request asks for what is in a portion. The broker that does not lead a partition in
// the epoch that we know refuses: it is either no longer the leader and has not
// heard of it, or has been elected again since.
func (q offsetsQuestion) request(p portion[lag.TopicPartitions]) *kmsg.ListOffsetsRequest {
	parts, epochs := p.items, p.epochs
	req := kmsg.NewPtrListOffsetsRequest()
	timestamp := endTimestamp
	switch q.at {
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
			if q.times != nil {
				t.Partitions[j].Timestamp = q.times[lag.TopicPartition{Topic: p.Topic, Partition: id}]
			}
		}
	}
	return req
}

// failed has an error for each of the partitions.
func (q offsetsQuestion) failed(r rejected[lag.TopicPartitions]) []lag.LogOffset {
	op := "read the " + q.at.String() + " of"
	if q.times != nil {
		op = "look up timestamps of"
	}
	offsets := make([]lag.LogOffset, 0, count(r.items))
	for _, p := range r.items {
		for _, id := range p.Partitions {
			tp := lag.TopicPartition{Topic: p.Topic, Partition: id}
			object := fmt.Sprintf("topic %q partition %d", tp.Topic, tp.Partition)
			if r.on != nil {
				object += " on " + r.on.Name()
			}
			offsets = append(offsets, lag.LogOffset{TopicPartition: tp, LeaderEpoch: lag.NoLeaderEpoch, Err: failure(op, object, r.err)})
		}
	}
	return offsets
}
