package wire

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
)

// bufferSize is how much of a response is held at a time.
const (
	bufferSize = 16 << 10
	streamSize = 4 << 10
)

// Reader reads the fields of a response as it comes, from a buffer of
// fixed size: no count in it is believed, and what it costs is what arrives. It
// works in turn with the others that read, and pauses. Once a read has failed, all
// that follow are zero.
type Reader struct {
	r    io.Reader
	turn *pace.Worker
	err  error
	buf  []byte
	// Flexible is whether the response is of a flexible version (KIP-482).
	Flexible bool
	// from and to are what is in buf and not read yet.
	from, to int
}

// Fields calls do with a reader of the fields in r, and returns why reading failed. It
// waits for the turn, and works in turn.
func Fields(r io.Reader, turn *pace.Worker, do func(*Reader)) error {
	in := Reader{r: r, turn: turn, buf: make([]byte, bufferSize)}
	turn.Begin()
	defer turn.End()
	do(&in)
	return in.err
}

// Stream returns a reader of the fields in r that waits for no turn, for what is
// short or urgent.
func Stream(r io.Reader) *Reader { return &Reader{r: r, buf: make([]byte, streamSize)} }

// Bytes returns a reader of fields in a few bytes that are there already.
func Bytes(b []byte) *Reader { return &Reader{buf: b, to: len(b)} }

// Next returns the next n bytes, which are good until the next call.
func (in *Reader) Next(n int) []byte {
	if in.to-in.from < n && !in.fill(n) {
		return in.buf[:0]
	}
	b := in.buf[in.from : in.from+n]
	in.from += n
	return b
}

// fill brings at least n bytes into the buffer.
func (in *Reader) fill(n int) bool {
	if in.err != nil {
		return false
	}
	if in.r == nil {
		in.err, in.from, in.to = io.ErrUnexpectedEOF, 0, 0
		return false
	}
	if n > len(in.buf) {
		in.buf = append(make([]byte, 0, n), in.buf[in.from:in.to]...)[:n]
		in.from, in.to = 0, in.to-in.from
	}
	copy(in.buf, in.buf[in.from:in.to])
	in.from, in.to = 0, in.to-in.from
	if in.turn == nil {
		in.read(n)
	} else {
		in.turn.Wait(func() { in.read(n) })
	}
	if in.err != nil {
		in.from, in.to = 0, 0
	}
	return in.err == nil
}

// read reads until the buffer holds n bytes.
func (in *Reader) read(n int) {
	var read int
	read, in.err = io.ReadAtLeast(in.r, in.buf[in.to:], n-in.to)
	in.to += read
}

// Err returns why a read failed, or nil.
func (in *Reader) Err() error { return in.err }

// Rest returns what is there already and has not been read.
func (in *Reader) Rest() []byte { return in.buf[in.from:in.to] }

// fail ends the reading of what makes no sense.
func (in *Reader) fail(what string) {
	if in.err == nil {
		in.err = fmt.Errorf("%w: %s", ErrNotKafka, what)
	}
	in.from, in.to = 0, 0
}

// Bound ends the reading of what has more than most of something.
func (in *Reader) Bound(n, most int, what string) {
	if n > most && in.err == nil {
		in.err = &TooLargeError{what, most}
		in.from, in.to = 0, 0
	}
}

// Int8 reads a signed number of 8 bits.
func (in *Reader) Int8() int8 {
	if b := in.Next(1); len(b) == 1 {
		return int8(b[0]) //nolint:gosec // signed on the wire
	}
	return 0
}

// Int16 reads a signed number of 16 bits.
func (in *Reader) Int16() int16 {
	if b := in.Next(2); len(b) == 2 {
		return int16(binary.BigEndian.Uint16(b)) //nolint:gosec // signed on the wire
	}
	return 0
}

// Int32 reads a signed number of 32 bits.
func (in *Reader) Int32() int32 {
	if b := in.Next(4); len(b) == 4 {
		return int32(binary.BigEndian.Uint32(b)) //nolint:gosec // signed on the wire
	}
	return 0
}

// Int64 reads a signed number of 64 bits.
func (in *Reader) Int64() int64 {
	if b := in.Next(8); len(b) == 8 {
		return int64(binary.BigEndian.Uint64(b)) //nolint:gosec // signed on the wire
	}
	return 0
}

// uvarint reads a number of at most 32 bits.
func (in *Reader) uvarint() int {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := in.Next(1)
		if len(b) == 0 {
			return 0
		}
		v |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			return int(v) //nolint:gosec // five bytes hold 35 bits
		}
	}
	in.fail("a number without an end")
	return 0
}

// Count reads the length of an array, or of a compact string; null has none.
func (in *Reader) Count() int {
	if !in.Flexible {
		return max(0, int(in.Int32()))
	}
	return max(0, in.uvarint()-1)
}

// maxField is the longest string read: Kafka's own are at most so long.
const maxField = 1<<15 - 1

// String reads a string, which is good until the next read.
func (in *Reader) String() []byte {
	if !in.Flexible {
		return in.Next(max(0, int(in.Int16())))
	}
	n := in.Count()
	if n > maxField {
		in.fail("a name that is too long")
		return nil
	}
	return in.Next(n)
}

// SkipString passes over a string or null, however long.
func (in *Reader) SkipString() {
	if in.Flexible {
		in.Skip(in.Count())
		return
	}
	in.Skip(max(0, int(in.Int16())))
}

// Skip passes over n bytes.
func (in *Reader) Skip(n int) {
	for n > 0 && in.err == nil {
		n -= len(in.Next(min(n, max(1, len(in.buf))))) // there may be no buffer: an answer without a body
	}
}

// Tags passes over tagged fields (KIP-482): a count, then number, size and content of each.
func (in *Reader) Tags() {
	if !in.Flexible {
		return
	}
	for n := in.uvarint(); n > 0 && in.err == nil; n-- {
		in.uvarint()
		in.Skip(in.uvarint())
	}
}
