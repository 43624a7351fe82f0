package hostilebroker

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxRequest bounds what is read from a client: a hostile broker is no reason to fill one's own memory.
const maxRequest = 4 << 20

// apiVersions is the API whose response header is never flexible (KIP-511).
const apiVersions = 18

// session is one connection. One goroutine uses it.
type session struct {
	*Broker
	ctx  context.Context
	conn net.Conn
	rand *rand.Rand
	// turns counts the answers to one API, for behaviours that change their mind.
	turns map[int16]int
}

// request is a request as it came in.
type request struct {
	kmsg.Request
	id int32
}

// read returns the next request.
func (s *session) read() (request, error) {
	var size [4]byte
	if _, err := io.ReadFull(s.conn, size[:]); err != nil {
		return request{}, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 10 || n > maxRequest {
		return request{}, fmt.Errorf("a request of %d bytes", n)
	}
	frame := make([]byte, n)
	if _, err := io.ReadFull(s.conn, frame); err != nil {
		return request{}, err
	}
	return parse(frame)
}

func parse(frame []byte) (request, error) {
	key, version := int16(binary.BigEndian.Uint16(frame)), int16(binary.BigEndian.Uint16(frame[2:]))
	r := request{Request: kmsg.RequestForKey(key), id: int32(binary.BigEndian.Uint32(frame[4:]))}
	if r.Request == nil {
		return r, fmt.Errorf("unknown API %d", key)
	}
	r.SetVersion(version)
	rest := frame[8:]
	clientID := int(int16(binary.BigEndian.Uint16(rest)))
	rest = rest[2:]
	if clientID > len(rest) {
		return r, io.ErrUnexpectedEOF
	}
	rest = rest[max(0, clientID):]
	if r.IsFlexible() && len(rest) > 0 {
		rest = rest[1:] // no tags: the scaler sends none
	}
	return r, r.ReadFrom(rest)
}

// header is what stands before the body of an answer, without its size.
func (r request) header() []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(r.id))
	if r.ResponseKind().IsFlexible() && r.Key() != apiVersions {
		head = append(head, 0)
	}
	return head
}

// frame is an answer with its size and header.
func (r request) frame(body []byte) []byte {
	head := r.header()
	out := make([]byte, 0, 4+len(head)+len(body))
	out = binary.BigEndian.AppendUint32(out, uint32(len(head)+len(body)))
	return append(append(out, head...), body...)
}

// write sends bytes as they are.
func (s *session) write(b []byte) error {
	n, err := s.conn.Write(b)
	s.sent.Add(int64(n))
	return err
}

// send sends an answer.
func (s *session) send(r request, resp kmsg.Response) error {
	return s.write(r.frame(resp.AppendTo(nil)))
}

// pause returns an error where the session ends before it is over.
func (s *session) pause(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// stall waits until the client gives up or the broker ends. It reads nothing that could be an answer's reason.
func (s *session) stall() error {
	_, err := io.Copy(io.Discard, s.conn)
	if err == nil {
		err = io.EOF
	}
	return err
}

// chance is true once in so many times.
func (s *session) chance(in int) bool { return s.rand.IntN(in) == 0 }

// turn counts up, by API.
func (s *session) turn(key int16) int {
	if s.turns == nil {
		s.turns = map[int16]int{}
	}
	s.turns[key]++
	return s.turns[key]
}

// noise are n random bytes.
func (s *session) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.rand.Uint32())
	}
	return b
}
