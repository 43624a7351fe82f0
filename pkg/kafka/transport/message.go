package transport

import (
	"bytes"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// Message is a request that kafka-go encodes, and whose answer it decodes. It is asked
// within the versions that kafka-go knows.
//
// kafka-go believes the counts and sizes in an answer, makes arrays of them and fills
// up with zeros what is not there. So it gets only frames that are there as a whole, of
// a bounded size, whose layout has been walked.
type Message struct {
	kmsg.Request // says API and version; nothing else of it is used
	asks         protocol.Message
	// Answer is the response, once there is one.
	Answer protocol.Message
}

// NewMessage makes a request of one of kafka-go's messages.
func NewMessage(asks protocol.Message) *Message {
	return &Message{Request: kmsg.RequestForKey(int16(asks.ApiKey())), asks: asks}
}

// append appends the request with its frame.
func (m *Message) append(dst []byte, id int32, clientID string) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	err := protocol.WriteRequest(buf, m.GetVersion(), id, clientID, m.asks)
	return buf.Bytes(), err
}

// read reads a frame, size and all, whose layout has been walked.
func (m *Message) read(frame []byte) error {
	_, answer, err := protocol.ReadResponse(bytes.NewReader(frame), m.asks.ApiKey(), m.GetVersion())
	if err != nil {
		return fmt.Errorf("%w: %s v%d: %w", wire.ErrNotKafka, kmsg.NameForKey(m.Key()), m.GetVersion(), err)
	}
	m.Answer = answer
	return nil
}

// write sends the request.
func (x *exchange) write(w io.Writer) (err error) {
	if m, ok := x.req.(*Message); ok {
		x.buf, err = m.append(x.buf[:0], x.id, x.clientID)
	} else {
		x.buf = x.formatter.AppendRequest(x.buf[:0], x.req, x.id)
	}
	if err == nil {
		_, err = w.Write(x.buf)
	}
	return err
}
