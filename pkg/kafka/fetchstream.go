package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// streamed is a request whose response is read from the connection as it comes,
// rather than as a whole.
type streamed interface {
	readFrom(r io.Reader) error
}

// stream reads one response of a streamed request.
func (x *exchange) stream(r io.Reader, s streamed) error {
	size, err := x.readSize(r)
	if err != nil {
		return err
	}
	frame := &io.LimitedReader{R: r, N: int64(size)}
	var id [4]byte
	if _, err := io.ReadFull(frame, id[:]); err != nil {
		return cutShort(err)
	}
	if err := x.answers(id[:]); err != nil {
		return err
	}
	if err := s.readFrom(frame); err != nil {
		if frame.N == 0 && ended(err) {
			return fmt.Errorf("%w: it ends within a field", errNotKafka)
		}
		return cutShort(err)
	}
	_, err = io.CopyN(io.Discard, frame, frame.N)
	return cutShort(err)
}

// maxAborted is how many aborted transactions are kept of one partition. The records
// that are looked at hold fewer than one in 64 bytes. What belongs to others counts as
// records, which is more lag and not less.
const maxAborted = 1 << 14

// ended tells whether a read failed because there is no more.
func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// fetchedPartition is the part of a partition in a Fetch response before its records.
type fetchedPartition struct {
	id                              int32
	code                            int16
	highWatermark, stableEnd, start int64
	// aborted are the transactions of which aborted records may follow.
	aborted []abortedTransaction
	// size is how many bytes of records follow.
	size int64
}

// readFetch reads a Fetch response and has each partition's records read: exactly as many bytes as it says. The
// layout is that of versions 5 to 11: https://kafka.apache.org/protocol.html#The_Messages_Fetch.
func readFetch(r io.Reader, version int16, records func(topic string, p *fetchedPartition) error) (code int16, err error) {
	in := fetchReader{r: r}
	in.skip(4) // throttle_time_ms
	if version >= 7 {
		code = in.int16()
		in.skip(4) // session_id
	}
	for range in.count() {
		topic := in.string()
		for range in.count() {
			p := in.partition(version)
			if in.err == nil {
				in.err = records(topic, &p)
			}
			// A count is only a claim: what has ended is not read on.
			if in.err != nil {
				return code, in.err
			}
		}
		if in.err != nil {
			return code, in.err
		}
	}
	return code, in.err
}

// readFrom implements streamed.
func (f *endFetch) readFrom(r io.Reader) (err error) {
	f.code, err = readFetch(r, f.GetVersion(), func(topic string, p *fetchedPartition) error {
		tp := lag.TopicPartition{Topic: topic, Partition: p.id}
		offset, asked := f.offset[tp]
		if !asked {
			_, err := io.CopyN(io.Discard, r, p.size)
			return err
		}
		seen := newBatchWalk(lag.Look{TopicPartition: tp, From: offset, To: f.end(p)}, f.IsolationLevel, p.aborted)
		if err := seen.readFrom(r, p.size); err != nil {
			return err
		}
		f.note(tp, offset, p, seen)
		return nil
	})
	return err
}

// readFrom implements streamed.
func (f *lookFetch) readFrom(r io.Reader) error {
	// The error code of the whole concerns sessions only, and there is none.
	_, err := readFetch(r, f.GetVersion(), func(topic string, p *fetchedPartition) error {
		look, asked := f.looks[lag.TopicPartition{Topic: topic, Partition: p.id}]
		if !asked {
			_, err := io.CopyN(io.Discard, r, p.size)
			return err
		}
		seen := newBatchWalk(look, f.IsolationLevel, p.aborted)
		if err := seen.readFrom(r, p.size); err != nil {
			return err
		}
		f.sights = append(f.sights, f.sight(topic, p.id, p.code, seen))
		return nil
	})
	return err
}

// fetchReader reads fields until one fails; all that follow are then zero.
type fetchReader struct {
	r   io.Reader
	err error
	buf [34]byte
}

func (in *fetchReader) bytes(n int) []byte {
	b := in.buf[:n]
	if in.err == nil {
		_, in.err = io.ReadFull(in.r, b)
	}
	if in.err != nil {
		clear(b)
	}
	return b
}

func (in *fetchReader) int16() int16 { return int16(binary.BigEndian.Uint16(in.bytes(2))) } //nolint:gosec // signed on the wire
func (in *fetchReader) int32() int32 { return int32(binary.BigEndian.Uint32(in.bytes(4))) } //nolint:gosec // signed on the wire

// count reads the length of an array; a null one has none.
func (in *fetchReader) count() int32 { return max(0, in.int32()) }

func (in *fetchReader) skip(n int64) {
	if in.err == nil && n > 0 {
		_, in.err = io.CopyN(io.Discard, in.r, n)
	}
}

func (in *fetchReader) string() string {
	n := in.int16()
	if in.err != nil || n <= 0 {
		return ""
	}
	b := make([]byte, n)
	_, in.err = io.ReadFull(in.r, b)
	return string(b)
}

// partition reads one partition, up to its records.
func (in *fetchReader) partition(version int16) fetchedPartition {
	b := in.bytes(34)
	p := fetchedPartition{
		id:            int32(binary.BigEndian.Uint32(b)),      //nolint:gosec // signed on the wire
		code:          int16(binary.BigEndian.Uint16(b[4:])),  //nolint:gosec // signed on the wire
		highWatermark: int64(binary.BigEndian.Uint64(b[6:])),  //nolint:gosec // signed on the wire
		stableEnd:     int64(binary.BigEndian.Uint64(b[14:])), //nolint:gosec // signed on the wire
		start:         int64(binary.BigEndian.Uint64(b[22:])), //nolint:gosec // signed on the wire
	}
	for n := int32(binary.BigEndian.Uint32(b[30:])); n > 0 && in.err == nil; n-- { //nolint:gosec // signed on the wire
		b := in.bytes(16)
		if len(p.aborted) < maxAborted {
			p.aborted = append(p.aborted, abortedTransaction{
				producer: int64(binary.BigEndian.Uint64(b)),     //nolint:gosec // signed on the wire
				first:    int64(binary.BigEndian.Uint64(b[8:])), //nolint:gosec // signed on the wire
			})
		}
	}
	if version >= 11 {
		in.skip(4) // preferred_read_replica
	}
	p.size = int64(in.count())
	return p
}
