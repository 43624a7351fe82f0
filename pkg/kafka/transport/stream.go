package transport

import (
	"fmt"
	"io"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// Streamed is a request whose response is read from the connection as it comes,
// rather than as a whole.
type Streamed interface {
	ReadResponse(r io.Reader) error
}

// stream reads one response of a streamed request.
func (x *exchange) stream(r io.Reader, s Streamed) error {
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
	if err := s.ReadResponse(frame); err != nil {
		if frame.N == 0 && wire.Ended(err) {
			return fmt.Errorf("%w: it ends within a field", wire.ErrNotKafka)
		}
		return cutShort(err)
	}
	_, err = io.CopyN(io.Discard, frame, frame.N)
	return cutShort(err)
}
