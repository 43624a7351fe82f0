package kafka

import (
	"io"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

var (
	_ transport.Streamed = (*endFetch)(nil)
	_ transport.Streamed = (*lookFetch)(nil)
)

// maxAborted is how many aborted transactions are kept of one partition. The records
// that are looked at hold fewer than one in 64 bytes. What belongs to others counts as
// records, which is more lag and not less.
const maxAborted = 1 << 14

// fetchedPartition is the part of a partition in a Fetch response before its records.
type fetchedPartition struct {
	id                              int32
	code                            int16
	highWatermark, stableEnd, start int64
	// aborted are the transactions of which aborted records may follow.
	aborted []abortedTransaction
	// size is how many bytes of records follow.
	size int
}

// readFetch reads a Fetch response and has each partition's records read: exactly as many bytes as it says. The
// layout is that of versions 5 to 11: https://kafka.apache.org/protocol.html#The_Messages_Fetch.
func readFetch(r io.Reader, version int16, records func(in *wire.Reader, topic string, p *fetchedPartition)) (code int16, err error) {
	in := wire.Stream(r)
	in.Skip(4) // throttle_time_ms
	if version >= 7 {
		code = in.Int16()
		in.Skip(4) // session_id
	}
	for topics := in.Count(); topics > 0 && in.Err() == nil; topics-- {
		topic := string(in.String())
		for partitions := in.Count(); partitions > 0 && in.Err() == nil; partitions-- {
			p := readFetched(in, version)
			// A count is only a claim: what has ended is not read on.
			if in.Err() == nil {
				records(in, topic, &p)
			}
		}
	}
	return code, in.Err()
}

// ReadResponse implements transport.Streamed.
func (f *endFetch) ReadResponse(r io.Reader) (err error) {
	f.code, err = readFetch(r, f.GetVersion(), func(in *wire.Reader, topic string, p *fetchedPartition) {
		tp := lag.TopicPartition{Topic: topic, Partition: p.id}
		offset, asked := f.offset[tp]
		if !asked {
			in.Skip(p.size)
			return
		}
		seen := newBatchWalk(lag.Look{TopicPartition: tp, From: offset, To: f.end(p)}, f.IsolationLevel, p.aborted)
		if seen.readFrom(in, p.size); in.Err() == nil {
			f.note(tp, offset, p, seen)
			delete(f.offset, tp) // a partition that is listed twice counts once
		}
	})
	return err
}

// ReadResponse implements transport.Streamed.
func (f *lookFetch) ReadResponse(r io.Reader) error {
	// The error code of the whole concerns sessions only, and there is none.
	_, err := readFetch(r, f.GetVersion(), func(in *wire.Reader, topic string, p *fetchedPartition) {
		tp := lag.TopicPartition{Topic: topic, Partition: p.id}
		look, asked := f.looks[tp]
		if !asked || f.seen[tp] {
			in.Skip(p.size)
			return
		}
		seen := newBatchWalk(look, f.IsolationLevel, p.aborted)
		if seen.readFrom(in, p.size); in.Err() == nil {
			f.sights = append(f.sights, f.sight(topic, p.id, p.code, seen))
			f.seen[tp] = true
		}
	})
	return err
}

// readFetched reads one partition, up to its records.
func readFetched(in *wire.Reader, version int16) fetchedPartition {
	p := fetchedPartition{
		id: in.Int32(), code: in.Int16(),
		highWatermark: in.Int64(), stableEnd: in.Int64(), start: in.Int64(),
	}
	for n := in.Count(); n > 0 && in.Err() == nil; n-- {
		a := abortedTransaction{producer: in.Int64(), first: in.Int64()}
		if len(p.aborted) < maxAborted {
			p.aborted = append(p.aborted, a)
		}
	}
	if version >= 11 {
		in.Skip(4) // preferred_read_replica
	}
	p.size = in.Count()
	return p
}
