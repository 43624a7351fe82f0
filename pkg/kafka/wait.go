package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// waitVersions: 5 is the first Fetch that tells the log start, 11 the last before
// the encoding changes; brokers from 2.4 to 4.x speak it. Topics go by name in it.
var waitVersions = transport.Between(5, 11)

// A wait brings the beginning of what is new, so that an aborted transaction is known for one without another
// request. Most are smaller than waitBytes; waitBytesAtMost are all that one answer brings, unless its first
// batch is larger. One byte at least is needed: of a partition that may give none, a broker never finds that
// there is one.
const (
	waitBytes       = 16 << 10
	waitBytesAtMost = 64 << 10
)

// Leaders returns a function that tells which broker leads a partition of the
// topic, as far as the newest metadata knows. It asks nobody.
func (c *Client) Leaders(topic string) func(partition int32) (node int32, ok bool) {
	route := c.routes.topic(topic, time.Now())
	return func(partition int32) (int32, bool) {
		if route == nil {
			return 0, false
		}
		l, ok := route.leader(partition)
		return l.node, ok && l.node >= 0
	}
}

// FindLeaders looks up the leaders of the topics again. Calls that come close
// together share a request, so it may take some 100 ms.
func (c *Client) FindLeaders(ctx context.Context, topics []string) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return failure("find the leaders of topics in", c.cluster(), err)
	}
	defer end()
	if err := c.refreshRoutes(ctx, topics, time.Now()); err != nil {
		return failure("find the leaders of topics in", c.cluster(), err)
	}
	return nil
}

// AwaitRecords waits until the log of one of the partitions, which the leader has
// to lead, ends beyond its offset, by one Fetch that the broker answers when it
// does, or after most. It returns the partitions that have news, those with an
// error among them; nil means that there are none yet. at is lag.End, or
// lag.StableEnd for what a read_committed consumer can reach. Naming a partition
// twice is a defect of the caller. An error, a *fault.Error, means that nothing is
// known of any of them.
//
// Fetch needs READ on the topic. No record is looked at: the response is read as
// it comes, and of what it carries of them only the headers of batches: whether any
// of it is for the consumer at all.
//
// Every wait under way holds a connection of its own, of MaxWaitConnectionsPerBroker.
func (c *Client) AwaitRecords(ctx context.Context, leader int32, at lag.Position, from []lag.LogWait, most time.Duration) ([]lag.LogWake, error) {
	object := fmt.Sprintf("broker %d", leader)
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return nil, failure("wait for records on", object, err)
	}
	defer end()
	addr, ok := c.routes.address(leader)
	if !ok {
		return nil, failure("wait for records on", object, wire.Code(wire.LeaderNotAvailable))
	}
	// A broker that is silent must not be waited for without end.
	ctx, cancel := context.WithTimeout(ctx, most+c.cfg.RequestTimeout)
	defer cancel()
	b := c.brokers.at(addr, leader)
	f := newEndFetch(at, from, most, c.epochsOf(from))
	if _, err := b.Waiting().Request(ctx, f, waitVersions); err != nil {
		return nil, failure("wait for records on", b.Name(), err)
	}
	if f.code != 0 {
		return nil, failure("wait for records on", b.Name(), wire.Code(f.code))
	}
	return f.wakes, nil
}

// epochsOf returns the epochs of the leaders of partitions, as far as they are known.
func (c *Client) epochsOf(from []lag.LogWait) []int32 {
	epochs := make([]int32, len(from))
	routes := make(map[string]*topicRoute)
	now := time.Now()
	for i, w := range from {
		route, looked := routes[w.Topic]
		if !looked {
			route = c.routes.topic(w.Topic, now)
			routes[w.Topic] = route
		}
		epochs[i] = lag.NoLeaderEpoch
		if route == nil {
			continue
		}
		if l, ok := route.leader(w.Partition); ok {
			epochs[i] = l.epoch
		}
	}
	return epochs
}

// endFetch is a Fetch whose response is read for the ends of logs only.
type endFetch struct {
	*kmsg.FetchRequest
	at     lag.Position
	offset map[lag.TopicPartition]int64
	// code and wakes are the response.
	code  int16
	wakes []lag.LogWake
}

// newEndFetch asks about partitions; epochs are those of their leader, in their order.
func newEndFetch(at lag.Position, from []lag.LogWait, most time.Duration, epochs []int32) *endFetch {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis = int32(min(most.Milliseconds(), 1<<31-1)) //nolint:gosec // bounded
	req.MinBytes, req.MaxBytes = 1, waitBytesAtMost
	if at == lag.StableEnd {
		req.IsolationLevel = 1
	}
	// No session: it would hold one of the broker's slots, and wakes later (id 0, epoch -1 mean none).
	req.SessionID, req.SessionEpoch = 0, -1
	f := &endFetch{FetchRequest: req, at: at, offset: make(map[lag.TopicPartition]int64, len(from))}
	index := make(map[string]int)
	for i, w := range from {
		f.offset[w.TopicPartition] = w.Offset
		topic, ok := index[w.Topic]
		if !ok {
			topic = len(req.Topics)
			index[w.Topic] = topic
			t := kmsg.NewFetchRequestTopic()
			t.Topic = w.Topic
			req.Topics = append(req.Topics, t)
		}
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.CurrentLeaderEpoch = w.Partition, w.Offset, epochs[i]
		p.PartitionMaxBytes = waitBytes
		req.Topics[topic].Partitions = append(req.Topics[topic].Partitions, p)
	}
	return f
}

// end is the offset that the wait is for, as the response tells it.
func (f *endFetch) end(p *fetchedPartition) int64 {
	if f.at == lag.StableEnd {
		return p.stableEnd
	}
	return p.highWatermark
}

// note takes in what the response says of one partition.
func (f *endFetch) note(tp lag.TopicPartition, offset int64, p *fetchedPartition, seen *batchWalk) {
	end := f.end(p)
	wake := lag.LogWake{TopicPartition: tp, End: lag.Unknown, Start: lag.Unknown}
	switch {
	case p.code != 0:
		wake.Reason = wakeReason(p.code)
		wake.Err = failure("wait for records of", fmt.Sprintf("topic %q partition %d", tp.Topic, p.id), wire.Code(p.code))
		if wake.Reason == lag.WakeDenied {
			wake.Err = readDenied(tp.Topic)
		}
	case end > offset:
		wake.Reason, wake.End, wake.Start = lag.WakeGrown, end, max(p.start, lag.Unknown)
		wake.From, wake.Seen = offset, seen.sight(lag.Look{TopicPartition: tp, From: offset, To: end})
	case end < offset:
		wake.Reason = lag.WakeShrunk
	default:
		return
	}
	f.wakes = append(f.wakes, wake)
}

func wakeReason(code int16) lag.WakeReason {
	switch {
	case code == wire.OffsetOutOfRange:
		return lag.WakeShrunk
	case code == wire.TopicAuthorizationFailed:
		return lag.WakeDenied
	case reroutable(wire.Code(code)):
		return lag.WakeMoved
	default:
		return lag.WakeFailed
	}
}

func readDenied(topic string) error {
	return &fault.Error{
		Kind: fault.Denied, Op: "wait for records of", Object: fmt.Sprintf("topic %q", topic), Err: wire.Code(wire.TopicAuthorizationFailed),
		Remedy: fmt.Sprintf("to wake workloads in milliseconds, allow the principal to Read the topic: "+
			"kafka-acls --add --allow-principal User:NAME --operation Read --topic %s", topic),
	}
}
