package kafka

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
)

// fieldBuffer is how much of a response is held at a time.
const fieldBuffer = 16 << 10

// fieldReader reads the fields of a large response as it comes, from a buffer of
// fixed size: no count in it is believed, and what it costs is what arrives. It
// works in turn with the others that read, and pauses. Once a read has failed, all
// that follow are zero.
type fieldReader struct {
	r    io.Reader
	turn *pace.Worker
	err  error
	buf  []byte
	// flexible is whether the response is of a flexible version (KIP-482).
	flexible bool
	// from and to are what is in buf and not read yet.
	from, to int
}

// readFields calls do with a reader of the fields in r, and returns why reading failed.
func readFields(r io.Reader, turn *pace.Worker, do func(*fieldReader)) error {
	in := fieldReader{r: r, turn: turn, buf: make([]byte, fieldBuffer)}
	turn.Begin()
	defer turn.End()
	do(&in)
	return in.err
}

// fieldsOf returns a reader of fields in a few bytes that are there already.
func fieldsOf(b []byte) *fieldReader { return &fieldReader{buf: b, to: len(b)} }

// next returns the next n bytes, which are good until the next call.
func (in *fieldReader) next(n int) []byte {
	if in.to-in.from < n && !in.fill(n) {
		return in.buf[:0]
	}
	b := in.buf[in.from : in.from+n]
	in.from += n
	return b
}

// fill brings at least n bytes into the buffer.
func (in *fieldReader) fill(n int) bool {
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
	in.turn.Wait(func() {
		var read int
		read, in.err = io.ReadAtLeast(in.r, in.buf[in.to:], n-in.to)
		in.to += read
	})
	if in.err != nil {
		in.from, in.to = 0, 0
	}
	return in.err == nil
}

// fail ends the reading of what makes no sense.
func (in *fieldReader) fail(what string) {
	if in.err == nil {
		in.err = fmt.Errorf("%w: %s", errNotKafka, what)
	}
	in.from, in.to = 0, 0
}

// bound ends the reading of what has more than most of something.
func (in *fieldReader) bound(n, most int, what string) {
	if n > most && in.err == nil {
		in.err = &tooLarge{what, most}
		in.from, in.to = 0, 0
	}
}

func (in *fieldReader) int8() int8 {
	if b := in.next(1); len(b) == 1 {
		return int8(b[0]) //nolint:gosec // signed on the wire
	}
	return 0
}

func (in *fieldReader) int16() int16 {
	if b := in.next(2); len(b) == 2 {
		return int16(binary.BigEndian.Uint16(b)) //nolint:gosec // signed on the wire
	}
	return 0
}

func (in *fieldReader) int32() int32 {
	if b := in.next(4); len(b) == 4 {
		return int32(binary.BigEndian.Uint32(b)) //nolint:gosec // signed on the wire
	}
	return 0
}

func (in *fieldReader) int64() int64 {
	if b := in.next(8); len(b) == 8 {
		return int64(binary.BigEndian.Uint64(b)) //nolint:gosec // signed on the wire
	}
	return 0
}

// uvarint reads a number of at most 32 bits.
func (in *fieldReader) uvarint() int {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := in.next(1)
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

// count reads the length of an array, or of a compact string; null has none.
func (in *fieldReader) count() int {
	if !in.flexible {
		return max(0, int(in.int32()))
	}
	return max(0, in.uvarint()-1)
}

// maxField is the longest string read: Kafka's own are at most so long.
const maxField = 1<<15 - 1

// string reads a string, which is good until the next read.
func (in *fieldReader) string() []byte {
	if !in.flexible {
		return in.next(max(0, int(in.int16())))
	}
	n := in.count()
	if n > maxField {
		in.fail("a name that is too long")
		return nil
	}
	return in.next(n)
}

// skip passes over n bytes.
func (in *fieldReader) skip(n int) {
	for n > 0 && in.err == nil {
		n -= len(in.next(min(n, len(in.buf))))
	}
}

// tags passes over tagged fields (KIP-482): a count, then number, size and content of each.
func (in *fieldReader) tags() {
	if !in.flexible {
		return
	}
	for n := in.uvarint(); n > 0 && in.err == nil; n-- {
		in.uvarint()
		in.skip(in.uvarint())
	}
}
