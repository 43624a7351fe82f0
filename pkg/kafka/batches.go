package kafka

import (
	"encoding/binary"
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// The header of a record batch: https://kafka.apache.org/documentation/#recordbatch.
const (
	batchHeader = 61
	// beforeLength are base offset and length, which the length does not count.
	beforeLength = 12
	// oldHeader is as much of a message of an older format as has the same layout.
	oldHeader = 17

	transactionalBatch = 1 << 4
	controlBatch       = 1 << 5
)

// abortedTransaction is one of the transactions that a Fetch response says were
// aborted: the producer's batches from that offset on, up to its next marker.
type abortedTransaction struct{ producer, first int64 }

// batchWalk goes through the headers of batches and finds out up to where, from an
// offset on, they hold no record for the consumer.
type batchWalk struct {
	to int64
	// aborted are the offsets at which the aborted transactions of each producer begin, ascending.
	aborted map[int64][]int64
	// batches is how many were seen, clear up to where there is no record, and found that there is one at clear or behind it.
	batches int
	clear   int64
	found   bool
}

// newBatchWalk begins at an offset. isolation is that of the Fetch.
func newBatchWalk(l lag.Look, isolation int8, aborted []abortedTransaction) *batchWalk {
	w := &batchWalk{to: l.To, clear: l.From}
	if isolation == 1 {
		w.abort(aborted) // consumers that read uncommitted get these records
	}
	return w
}

// abort takes in the aborted transactions of the response.
func (w *batchWalk) abort(aborted []abortedTransaction) {
	if len(aborted) == 0 {
		return
	}
	w.aborted = make(map[int64][]int64)
	for _, a := range aborted {
		w.aborted[a.producer] = append(w.aborted[a.producer], a.first)
	}
	for _, firsts := range w.aborted {
		slices.Sort(firsts)
	}
}

// over tells whether enough has been seen.
func (w *batchWalk) over() bool { return w.found || w.clear >= w.to }

// readFrom walks through n bytes of records. A broker cuts the last batch off where
// the bytes end; its header is as good as that of a whole one.
func (w *batchWalk) readFrom(in *wire.Reader, n int) {
	var head [batchHeader]byte
	for !w.over() && n >= oldHeader && in.Err() == nil {
		n -= copy(head[:], in.Next(oldHeader))
		left := int(int32(binary.BigEndian.Uint32(head[8:]))) + beforeLength - oldHeader //nolint:gosec // signed on the wire
		switch {
		case in.Err() != nil:
			return
		case head[16] < 2:
			w.oldMessage(int64(binary.BigEndian.Uint64(head[:]))) //nolint:gosec // signed on the wire
		default:
			if min(n, left) < batchHeader-oldHeader {
				in.Skip(n)
				return
			}
			read := copy(head[oldHeader:], in.Next(batchHeader-oldHeader))
			if in.Err() != nil {
				return
			}
			n, left = n-read, left-read
			w.batch(head[:])
		}
		if left < 0 {
			break
		}
		left = min(left, n)
		in.Skip(left)
		n -= left
	}
	in.Skip(n)
}

// oldMessage takes in a message of the formats before Kafka 0.11, which know no
// transactions. That of a compressed set has the offset of its last message.
func (w *batchWalk) oldMessage(offset int64) {
	w.batches++
	w.found = w.found || offset >= w.clear
}

func (w *batchWalk) batch(head []byte) {
	base := int64(binary.BigEndian.Uint64(head))                    //nolint:gosec // signed on the wire
	attributes := binary.BigEndian.Uint16(head[21:])                //
	last := base + int64(int32(binary.BigEndian.Uint32(head[23:]))) //nolint:gosec // signed on the wire
	producer := int64(binary.BigEndian.Uint64(head[43:]))           //nolint:gosec // signed on the wire
	records := int32(binary.BigEndian.Uint32(head[batchHeader-4:])) //nolint:gosec // signed on the wire
	w.batches++
	control := attributes&controlBatch != 0
	switch {
	case control:
		w.endTransaction(producer, base)
	case records == 0:
		// Compaction leaves such batches, to remember the producer by.
	case last >= w.clear && (attributes&transactionalBatch == 0 || !w.isAborted(producer, base)):
		// Compaction may have taken just those records that come after clear, but that is not seen from here.
		w.found = true
		w.clear = max(w.clear, min(base, w.to))
		return
	}
	w.clear = max(w.clear, min(last+1, w.to))
}

// isAborted tells whether the producer's batch is part of an aborted transaction.
func (w *batchWalk) isAborted(producer, base int64) bool {
	firsts := w.aborted[producer]
	return len(firsts) > 0 && firsts[0] <= base
}

// endTransaction takes in a marker. Whether it commits or aborts does not matter:
// a producer has one transaction at a time, so this ends an aborted one if there is one.
func (w *batchWalk) endTransaction(producer, base int64) {
	if w.isAborted(producer, base) {
		w.aborted[producer] = w.aborted[producer][1:]
	}
}

// sight is what the walk has seen of the range.
func (w *batchWalk) sight(l lag.Look) lag.Sight {
	s := lag.Sight{TopicPartition: l.TopicPartition, Clear: l.From}
	if w.batches > 0 {
		s.Taken, s.Clear, s.Record = true, w.clear, w.found
		s.Empty = !w.found && w.clear >= l.To
	}
	return s
}
