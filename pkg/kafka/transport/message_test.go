package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// messages are those of kafka-go's that are used, with kmsg's of the same API, in each version.
func messages() []codecCase {
	var all []codecCase
	for _, c := range codecCases() {
		switch c.name {
		case "ApiVersions", "SaslHandshake":
			all = append(all, c)
		case "SaslAuthenticate":
			older := c
			older.version = 0
			all = append(all, older, c)
		case "FindCoordinator":
			older := c
			older.version = 1
			all = append(all, older, c)
		}
	}
	return all
}

// told is what an answer says, in either codec's words.
func told(answer any) []any {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	switch a := answer.(type) {
	case *apiversions.Response:
		keys := []any{a.ErrorCode}
		for _, k := range a.ApiKeys {
			keys = append(keys, k.ApiKey, k.MinVersion, k.MaxVersion)
		}
		return keys
	case *kmsg.ApiVersionsResponse:
		keys := []any{a.ErrorCode}
		for _, k := range a.ApiKeys {
			keys = append(keys, k.ApiKey, k.MinVersion, k.MaxVersion)
		}
		return keys
	case *findcoordinator.Response:
		return []any{a.ErrorCode, a.ErrorMessage, a.NodeID, a.Host, a.Port}
	case *kmsg.FindCoordinatorResponse:
		return []any{a.ErrorCode, text(a.ErrorMessage), a.NodeID, a.Host, a.Port}
	case *saslhandshake.Response:
		return []any{a.ErrorCode, len(a.Mechanisms), strings.Join(a.Mechanisms, ",")}
	case *kmsg.SASLHandshakeResponse:
		return []any{a.ErrorCode, len(a.SupportedMechanisms), strings.Join(a.SupportedMechanisms, ",")}
	case *saslauthenticate.Response:
		return []any{a.ErrorCode, a.ErrorMessage, string(a.AuthBytes), a.SessionLifetimeMs}
	case *kmsg.SASLAuthenticateResponse:
		return []any{a.ErrorCode, text(a.ErrorMessage), string(a.SASLAuthBytes), a.SessionLifetimeMillis}
	}
	return nil
}

// Both codecs write the same question, byte for byte, and read the same answer out of one.
func TestMessagesAreThoseOfKmsg(t *testing.T) {
	formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID("kafka-scaler"))
	for _, c := range messages() {
		sent := c.answer()
		m := NewMessage(c.asks)
		m.SetVersion(c.version)
		theirs, ours := ask(t, formatter, m, sent), ask(t, formatter, c.req, sent)
		if !bytes.Equal(theirs.buf, ours.buf) {
			t.Errorf("%s v%d: kafka-go writes %x, kmsg %x", c.name, c.version, theirs.buf, ours.buf)
		}
		if a, b := told(m.Answer), told(ours.resp); a == nil || !slices.Equal(a, b) {
			t.Errorf("%s v%d: kafka-go reads %v, kmsg %v", c.name, c.version, a, b)
		}
	}
}

// kafka-go makes an array as long as an answer says and fills it with zeros. It never gets such an answer.
func TestMessagesGetOnlyWhatIsThere(t *testing.T) {
	body := []byte{0, 0, 0, 1, 0, 0} // no error
	body = binary.BigEndian.AppendUint32(body, 1<<28)
	m := NewMessage(&saslhandshake.Request{})
	m.SetVersion(1)
	sent := frame(uint32(len(body)), body)
	x := exchange{ctx: t.Context(), formatter: kmsg.NewRequestFormatter(), id: 1, req: m}
	if _, err := x.RawExchange(received{bytes.NewReader(sent)}); !errors.Is(err, wire.ErrNotKafka) || m.Answer != nil {
		t.Errorf("answer %v, %v", m.Answer, err)
	}
	cut := frame(uint32(len(body)-4), body[:len(body)-4]) // ends before the array, which kafka-go takes for an empty one
	x = exchange{ctx: t.Context(), formatter: kmsg.NewRequestFormatter(), id: 1, req: m}
	if _, err := x.RawExchange(received{bytes.NewReader(cut)}); !errors.Is(err, wire.ErrNotKafka) || m.Answer != nil {
		t.Errorf("answer %v, %v", m.Answer, err)
	}
}

// FuzzMessage reads any bytes as an answer to kafka-go's messages: it ends in an error or an answer, and in that of
// kmsg where kmsg has one. kmsg alone refuses null where only an empty text or no bytes are meant.
func FuzzMessage(f *testing.F) {
	for i, c := range messages() {
		f.Add(uint8(i), c.answer())
	}
	f.Add(uint8(0), frame(10, []byte{0, 0, 0, 1, 0, 0, 0x7f, 0xff, 0xff, 0xff}))
	f.Fuzz(func(t *testing.T, which uint8, sent []byte) {
		all := messages()
		c := all[int(which)%len(all)]
		read := func(req kmsg.Request) (kmsg.Response, error) {
			req.SetVersion(c.version)
			x := exchange{ctx: context.Background(), formatter: kmsg.NewRequestFormatter(), id: 1, req: req}
			_, err := x.RawExchange(received{bytes.NewReader(sent)})
			return x.resp, err
		}
		resp, err := read(c.req)
		m := NewMessage(c.asks)
		_, theirs := read(m)
		if err == nil && theirs != nil || (theirs == nil) != (m.Answer != nil) {
			t.Fatalf("kmsg: %v; kafka-go: %v", err, theirs)
		}
		if err == nil && !slices.Equal(told(m.Answer), told(resp)) {
			t.Errorf("kafka-go reads %v, kmsg %v", told(m.Answer), told(resp))
		}
	})
}
