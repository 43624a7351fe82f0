package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// Span is a range of versions, both ends included.
type Span struct{ Min, Max int16 }

// Between is the range from one version to another.
func Between(oldest, newest int16) Span { return Span{oldest, newest} }

// Versions are what one broker speaks, by API key.
type Versions map[int16]Span

// choose returns the newest version of the request that both sides know. It
// fails, where kafka-go would send a version that the broker has dropped.
func (v Versions) choose(req kmsg.Request, ours Span) (int16, error) {
	api := kmsg.NameForKey(req.Key())
	theirs, ok := v[req.Key()]
	if !ok {
		return 0, &VersionError{api: api, unknown: true}
	}
	version := min(ours.Max, theirs.Max)
	if version < ours.Min || version < theirs.Min {
		return 0, &VersionError{api: api, ours: ours, theirs: theirs}
	}
	return version, nil
}

// exchange is one request and its response on one connection. It implements
// kafka-go's protocol.RawExchanger, so that kafka-go's connection hands it the
// stream for as long as it takes.
type exchange struct {
	ctx       context.Context // for as long as the exchange takes: kafka-go hands on none
	budget    *Budget
	formatter *kmsg.RequestFormatter
	clientID  string
	id        int32
	req       kmsg.Request
	resp      kmsg.Response
	// begun is set once a byte of the response has arrived.
	begun bool
	// buf is room for the request.
	buf []byte
}

var (
	_ protocol.Message      = (*exchange)(nil)
	_ protocol.RawExchanger = (*exchange)(nil)
)

// ApiKey implements protocol.Message.
//
//nolint:revive // kafka-go spells it so
func (x *exchange) ApiKey() protocol.ApiKey { return protocol.ApiKey(x.req.Key()) }

// Required implements protocol.RawExchanger.
func (x *exchange) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange implements protocol.RawExchanger.
func (x *exchange) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if err := x.write(rw); err != nil {
		return nil, err
	}
	if s, ok := x.req.(Streamed); ok {
		return x, x.stream(rw, s)
	}
	size, err := x.readSize(rw)
	if err != nil {
		return nil, err
	}
	giveBack, err := x.budget.take(x.ctx, int(size))
	if err != nil {
		return nil, err
	}
	defer giveBack()
	frame, err := readFrame(rw, size)
	if err != nil {
		return nil, err
	}
	return x, x.parse(frame)
}

// readSize reads the size of a response, which is the first that is seen of it.
func (x *exchange) readSize(r io.Reader) (int32, error) {
	var head [4]byte
	n, err := io.ReadFull(r, head[:])
	x.begun = n > 0
	if err != nil {
		return 0, err
	}
	size := int32(binary.BigEndian.Uint32(head[:])) //nolint:gosec // the wire has a signed number
	most := x.limit()
	switch {
	case head[0] == 0x15 && head[1] == 0x03:
		return 0, wire.ErrTLSAlert // a TLS record of type alert, version 3.x
	case size < 4 || size > maxStreamedFrame || size > most && most == maxHandshakeFrame:
		return 0, fmt.Errorf("%w: a frame of %d bytes", wire.ErrNotKafka, size)
	case size > most:
		return 0, wire.TooLarge("bytes", int(most))
	}
	return size, nil
}

// limit is how large the response may be.
func (x *exchange) limit() int32 {
	if _, ok := x.req.(Streamed); ok {
		return maxStreamedFrame
	}
	switch protocol.ApiKey(x.req.Key()) {
	case protocol.ApiVersions, protocol.SaslHandshake, protocol.SaslAuthenticate:
		return maxHandshakeFrame
	default:
		return maxHeldFrame
	}
}

// answers checks that a response is the one to this request.
func (x *exchange) answers(header []byte) error {
	if id := int32(binary.BigEndian.Uint32(header)); id != x.id { //nolint:gosec // the wire has a signed number
		return fmt.Errorf("%w: it answers request %d, not %d", wire.ErrNotKafka, id, x.id)
	}
	return nil
}

// cutShort names a connection that ended within a response for what it is.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sizeBytes are those that the size of a frame takes.
const sizeBytes = 4

// readFrame reads one response, and puts its size before it again. Memory grows with
// what arrives, not with what the size claims.
func readFrame(r io.Reader, size int32) ([]byte, error) {
	var frame bytes.Buffer
	frame.Grow(min(sizeBytes+int(size)+bytes.MinRead, 256<<10))
	frame.Write(binary.BigEndian.AppendUint32(frame.AvailableBuffer(), uint32(size))) //nolint:gosec // not negative
	if _, err := io.CopyN(&frame, r, int64(size)); err != nil {
		return nil, cutShort(err)
	}
	return frame.Bytes(), nil
}

// parse reads a frame's header and body into resp.
func (x *exchange) parse(frame []byte) error {
	sized, frame := frame, frame[sizeBytes:]
	if err := x.answers(frame); err != nil {
		return err
	}
	resp := x.req.ResponseKind()
	header := wire.Bytes(frame[4:])
	// The header of an ApiVersions response is never flexible: its reader cannot know the version yet (KIP-511).
	header.Flexible = resp.IsFlexible() && resp.Key() != int16(protocol.ApiVersions)
	header.Tags()
	body := header.Rest()
	if header.Err() != nil {
		return fmt.Errorf("%w: malformed header", wire.ErrNotKafka)
	}
	if err := wire.CheckShape(resp, body); err != nil {
		return err
	}
	if m, ok := x.req.(*Message); ok {
		return m.read(sized)
	}
	if err := resp.ReadFrom(body); err != nil {
		return fmt.Errorf("%w: %s v%d: %w", wire.ErrNotKafka, kmsg.NameForKey(resp.Key()), resp.GetVersion(), err)
	}
	x.resp = resp
	return nil
}
