package kafka

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Limits of a look into a log. A broker sends whole batches where they fit and the
// beginning of one where it does not, and the beginning is all that is looked at.
const (
	// maxLooks is how many partitions one request looks at.
	maxLooks = 20
	// lookBytes of one partition hold 1,000 transaction markers, and lookBytesAtMost are all that one request brings,
	// unless the very first batch is larger.
	lookBytes       = 64 << 10
	lookBytesAtMost = 1 << 20
)

// Inspect looks into the logs of the partitions, whether there is any record in
// the ranges asked for: one Fetch a leader, of at most 20 partitions; those beyond
// that are delivered as not taken, and so are all of a leader that answers slowly: it
// has its connections for the offsets. Only the headers of batches are read. With
// readCommitted it sees what consumers see that get no record of an
// aborted transaction. Naming a partition twice is a defect of the caller.
//
// deliver gets every partition once, never from two goroutines at a time; errors are
// *fault.Error. Fetch needs READ on the topic.
func (c *Client) Inspect(ctx context.Context, readCommitted bool, looks []lag.Look, deliver func([]lag.Sight)) {
	in := &inspection{readCommitted: readCommitted, looks: make(map[lag.TopicPartition]lag.Look, len(looks)), asked: map[*transport.Broker]bool{}}
	in.fanout = fanout[lag.TopicPartitions, lag.Sight]{client: c, what: "look into logs", owners: byLeader{c}, once: true, ask: in.look, failed: in.unseen, deliver: deliver}
	parts := make([]lag.TopicPartitions, len(looks))
	for i, l := range looks {
		in.looks[l.TopicPartition] = l
		parts[i] = lag.TopicPartitions{Topic: l.Topic, Partitions: []int32{l.Partition}}
	}
	in.run(ctx, distinct(parts))
}

// inspection is one call of Inspect.
type inspection struct {
	fanout[lag.TopicPartitions, lag.Sight]
	readCommitted bool
	looks         map[lag.TopicPartition]lag.Look

	marking sync.Mutex // guards asked
	asked   map[*transport.Broker]bool
}

// look asks a leader about as many partitions as it may be asked about, and passes over the others.
func (in *inspection) look(ctx context.Context, p portion[lag.TopicPartitions]) []rejected[lag.TopicPartitions] {
	now, later := firstPartitions(p.items, maxLooks)
	if p.broker.Slow() || !in.first(p.broker) {
		now, later = nil, p.items
	}
	in.hand(in.each(later, in.notTaken))
	if len(now) == 0 {
		return nil
	}
	f := newLookFetch(in.readCommitted, now, in.looks, p.epochs)
	if _, err := p.broker.Request(ctx, f, waitVersions); err != nil {
		return []rejected[lag.TopicPartitions]{{items: now, on: p.broker, err: err}}
	}
	list := newChecklist(now)
	var sights []lag.Sight
	for _, s := range f.sights {
		if _, first := list.tick(s.Topic, s.Partition); first {
			sights = append(sights, s)
		}
	}
	list.missing(func(tp lag.TopicPartition) { sights = append(sights, in.notTaken(tp)) })
	in.hand(sights)
	return nil
}

// first tells whether a broker is asked for the first time.
func (in *inspection) first(b *transport.Broker) bool {
	in.marking.Lock()
	defer in.marking.Unlock()
	first := !in.asked[b]
	in.asked[b] = true
	return first
}

// unseen are partitions that could not be looked at. Whoever reads the log end of those without a leader learns why.
func (in *inspection) unseen(r rejected[lag.TopicPartitions]) []lag.Sight {
	return in.each(r.items, func(tp lag.TopicPartition) lag.Sight {
		s := in.notTaken(tp)
		if r.on != nil || !reroutable(r.err) {
			s.Err = failure("look into the log of", fmt.Sprintf("topic %q partition %d", tp.Topic, tp.Partition), r.err)
		}
		return s
	})
}

func (in *inspection) notTaken(tp lag.TopicPartition) lag.Sight {
	return lag.Sight{TopicPartition: tp, Clear: in.looks[tp].From}
}

func (in *inspection) each(parts []lag.TopicPartitions, sight func(lag.TopicPartition) lag.Sight) []lag.Sight {
	var sights []lag.Sight
	for _, p := range parts {
		for _, id := range p.Partitions {
			sights = append(sights, sight(lag.TopicPartition{Topic: p.Topic, Partition: id}))
		}
	}
	return sights
}

// firstPartitions splits off the first n partitions.
func firstPartitions(parts []lag.TopicPartitions, n int) (first, rest []lag.TopicPartitions) {
	for _, p := range parts {
		take := min(n, len(p.Partitions))
		n -= take
		if take > 0 {
			first = append(first, lag.TopicPartitions{Topic: p.Topic, Partitions: p.Partitions[:take]})
		}
		if take < len(p.Partitions) {
			rest = append(rest, lag.TopicPartitions{Topic: p.Topic, Partitions: p.Partitions[take:]})
		}
	}
	return first, rest
}

// lookFetch is a Fetch whose response is read for the headers of batches only.
type lookFetch struct {
	*kmsg.FetchRequest
	looks map[lag.TopicPartition]lag.Look
	// sights are the response, and seen the partitions that it has told of.
	sights []lag.Sight
	seen   map[lag.TopicPartition]bool
}

// newLookFetch looks at parts; epochs are those of their leader, in their order.
func newLookFetch(readCommitted bool, parts []lag.TopicPartitions, looks map[lag.TopicPartition]lag.Look, epochs []int32) *lookFetch {
	req := kmsg.NewPtrFetchRequest()
	// Answer at once, with what there is.
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 0, 0, lookBytesAtMost
	if readCommitted {
		req.IsolationLevel = 1
	}
	req.SessionID, req.SessionEpoch = 0, -1 // none
	for _, p := range parts {
		t := kmsg.NewFetchRequestTopic()
		t.Topic = p.Topic
		for _, id := range p.Partitions {
			fp := kmsg.NewFetchRequestTopicPartition()
			fp.Partition, fp.PartitionMaxBytes = id, lookBytes
			fp.CurrentLeaderEpoch, epochs = epochs[0], epochs[1:]
			fp.FetchOffset = looks[lag.TopicPartition{Topic: p.Topic, Partition: id}].From
			t.Partitions = append(t.Partitions, fp)
		}
		req.Topics = append(req.Topics, t)
	}
	return &lookFetch{FetchRequest: req, looks: looks, seen: map[lag.TopicPartition]bool{}}
}

// sight says what the answer about one partition shows.
func (f *lookFetch) sight(topic string, id int32, code int16, seen *batchWalk) lag.Sight {
	tp := lag.TopicPartition{Topic: topic, Partition: id}
	s := lag.Sight{TopicPartition: tp, Clear: f.looks[tp].From}
	switch {
	case code == 0:
		return seen.sight(f.looks[tp])
	case code == wire.TopicAuthorizationFailed:
		s.Err = lookDenied(topic)
	case code == wire.OffsetOutOfRange || reroutable(wire.Code(code)):
		// The log has changed since its offsets were read; they will be read again.
	default:
		s.Err = failure("look into the log of", fmt.Sprintf("topic %q partition %d", topic, id), wire.Code(code))
	}
	return s
}

func lookDenied(topic string) error {
	return &fault.Error{
		Kind: fault.Denied, Op: "look into the log of", Object: fmt.Sprintf("topic %q", topic), Err: wire.Code(wire.TopicAuthorizationFailed),
		Remedy: fmt.Sprintf("to tell transaction markers and aborted records from work, allow the principal to Read the topic: "+
			"kafka-acls --add --allow-principal User:NAME --operation Read --topic %s", topic),
	}
}
