package kafka

import (
	"encoding/binary"
	"fmt"
	"io"
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
		if frame.N == 0 {
			return fmt.Errorf("%w: it ends within a field", errNotKafka)
		}
		return cutShort(err)
	}
	_, err = io.CopyN(io.Discard, frame, frame.N)
	return cutShort(err)
}

// fetchedPartition is the part of a partition in a Fetch response before its records.
type fetchedPartition struct {
	id                              int32
	code                            int16
	highWatermark, stableEnd, start int64
}

// readFrom implements streamed. The layout is that of versions 5 to 11:
// https://kafka.apache.org/protocol.html#The_Messages_Fetch.
func (f *endFetch) readFrom(r io.Reader) error {
	in := fetchReader{r: r}
	in.skip(4) // throttle_time_ms
	if f.GetVersion() >= 7 {
		f.code = in.int16()
		in.skip(4) // session_id
	}
	for range in.count() {
		topic := in.string()
		for range in.count() {
			p := in.partition(f.GetVersion())
			if in.err != nil {
				return in.err
			}
			f.note(topic, &p)
		}
		// A count is only a claim: what has ended is not read on.
		if in.err != nil {
			return in.err
		}
	}
	return in.err
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

// partition reads one partition and passes over its records.
func (in *fetchReader) partition(version int16) fetchedPartition {
	const abortedTransaction = 16
	b := in.bytes(34)
	p := fetchedPartition{
		id:            int32(binary.BigEndian.Uint32(b)),      //nolint:gosec // signed on the wire
		code:          int16(binary.BigEndian.Uint16(b[4:])),  //nolint:gosec // signed on the wire
		highWatermark: int64(binary.BigEndian.Uint64(b[6:])),  //nolint:gosec // signed on the wire
		stableEnd:     int64(binary.BigEndian.Uint64(b[14:])), //nolint:gosec // signed on the wire
		start:         int64(binary.BigEndian.Uint64(b[22:])), //nolint:gosec // signed on the wire
	}
	aborted := int32(binary.BigEndian.Uint32(b[30:])) //nolint:gosec // signed on the wire
	in.skip(int64(aborted) * abortedTransaction)
	if version >= 11 {
		in.skip(4) // preferred_read_replica
	}
	in.skip(int64(in.int32())) // records
	return p
}
