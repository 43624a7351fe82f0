package kafka

import (
	"io"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

var _ transport.Streamed = (*listOffsets)(nil)

// offsetsAtOnce is how many log offsets are handed on together, at least.
const offsetsAtOnce = 1024

// listOffsets is a ListOffsets whose response is turned into log offsets as it comes.
type listOffsets struct {
	*kmsg.ListOffsetsRequest
	turn  *pace.Worker
	parts []lag.TopicPartitions // distinct
	// began is called when the response begins to arrive.
	began func()
	// hand takes offsets, and must not keep them.
	hand func([]lag.LogOffset)
	// refuse takes a partition that has an error instead of an offset.
	refuse func(lag.TopicPartition, error)

	// answered are those of all partitions that are, first where those of a topic begin, and index where each
	// topic is, made when an answer is not in the order of the question.
	answered []bool
	first    []int
	index    map[string]int
	offsets  []lag.LogOffset
}

func newListOffsets(req *kmsg.ListOffsetsRequest, parts []lag.TopicPartitions, turn *pace.Worker, hand func([]lag.LogOffset), refuse func(lag.TopicPartition, error)) *listOffsets {
	f := &listOffsets{
		ListOffsetsRequest: req, turn: turn, parts: parts, began: func() {}, hand: hand, refuse: refuse,
		first: make([]int, len(parts)),
	}
	n := 0
	for i, p := range parts {
		f.first[i] = n
		n += len(p.Partitions)
	}
	f.answered = make([]bool, n)
	return f
}

// onBegin implements beginner.
func (f *listOffsets) onBegin(do func()) { f.began = do }

// unanswered are the partitions that are not.
func (f *listOffsets) unanswered() (left []lag.TopicPartitions) {
	for i, p := range f.parts {
		rest := lag.TopicPartitions{Topic: p.Topic}
		for j, id := range p.Partitions {
			if !f.answered[f.first[i]+j] {
				rest.Partitions = append(rest.Partitions, id)
			}
		}
		if len(rest.Partitions) > 0 {
			left = append(left, rest)
		}
	}
	return left
}

// ReadResponse implements transport.Streamed. The layout is that of versions 2 to 7:
// https://kafka.apache.org/protocol.html#The_Messages_ListOffsets.
func (f *listOffsets) ReadResponse(r io.Reader) error {
	f.began()
	return wire.Fields(r, f.turn, func(in *wire.Reader) {
		in.Flexible = f.GetVersion() >= 6
		in.Tags()  // of the header
		in.Skip(4) // throttle_time_ms
		next := 0
		for n := in.Count(); n > 0 && in.Err() == nil; n-- {
			at := f.find(in.String(), next)
			f.readPartitions(in, at)
			next = at + 1
		}
		in.Tags()
		f.flush()
	})
}

func (f *listOffsets) flush() {
	if len(f.offsets) > 0 {
		f.hand(f.offsets)
	}
	f.offsets = f.offsets[:0]
}

// find returns where a topic was asked for, or -1. The answer has nearly always the order of the question.
func (f *listOffsets) find(name []byte, next int) int {
	if next < len(f.parts) && f.parts[next].Topic == string(name) {
		return next
	}
	if f.index == nil {
		f.index = make(map[string]int, len(f.parts))
		for i := range f.parts {
			f.index[f.parts[i].Topic] = i
		}
	}
	if at, ok := f.index[string(name)]; ok {
		return at
	}
	return -1
}

// readPartitions reads the partitions of one topic, or passes over them where nobody asked for it.
func (f *listOffsets) readPartitions(in *wire.Reader, topic int) {
	likely := 0
	for n := in.Count(); n > 0; n-- {
		id, code, timestamp, offset, epoch := in.Int32(), in.Int16(), in.Int64(), in.Int64(), lag.NoLeaderEpoch
		if f.GetVersion() >= 4 {
			epoch = max(in.Int32(), lag.NoLeaderEpoch)
		}
		in.Tags()
		if in.Err() != nil {
			return
		}
		if topic < 0 {
			continue
		}
		ids := f.parts[topic].Partitions
		at := likely
		if at >= len(ids) || ids[at] != id {
			var asked bool
			if at, asked = slices.BinarySearch(ids, id); !asked {
				continue
			}
		}
		likely = at + 1
		if done := &f.answered[f.first[topic]+at]; !*done {
			*done = true
			asked := &f.Topics[topic].Partitions[at]
			f.take(asked, lag.LogOffset{
				TopicPartition: lag.TopicPartition{Topic: f.parts[topic].Topic, Partition: id},
				Offset:         offset, Timestamp: timestamp, LeaderEpoch: epoch,
			}, code)
		}
	}
	in.Tags()
}

// take takes in the answer for one partition. Only that for a log's end has the
// epoch of the leader; others have that of the record found, which may be of any age.
func (f *listOffsets) take(asked *kmsg.ListOffsetsRequestTopicPartition, o lag.LogOffset, code int16) {
	if asked.Timestamp != endTimestamp {
		o.LeaderEpoch = lag.NoLeaderEpoch
	}
	switch {
	case code != 0:
		f.refuse(o.TopicPartition, wire.Code(code))
	case o.Offset < 0 && asked.Timestamp < 0:
		f.refuse(o.TopicPartition, errNoOffset)
	case o.LeaderEpoch != lag.NoLeaderEpoch && o.LeaderEpoch < asked.CurrentLeaderEpoch:
		f.refuse(o.TopicPartition, staleLeader{o.LeaderEpoch, asked.CurrentLeaderEpoch})
	default:
		if f.offsets = append(f.offsets, o); len(f.offsets) >= offsetsAtOnce {
			f.flush()
		}
	}
}
