package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// received is a connection that has already received everything.
type received struct{ io.Reader }

func (received) Write(b []byte) (int, error) { return len(b), nil }

// fuzzedRequests are the requests whose answers decide about numbers, flexible and not.
func fuzzedRequests() []kmsg.Request {
	requests := []kmsg.Request{
		kmsg.NewPtrApiVersionsRequest(), kmsg.NewPtrSASLHandshakeRequest(), kmsg.NewPtrOffsetFetchRequest(), kmsg.NewPtrFindCoordinatorRequest(),
		kmsg.NewPtrDescribeGroupsRequest(), kmsg.NewPtrSASLAuthenticateRequest(),
	}
	for i, version := range []int16{0, 1, 5, 4, 4, 2} {
		requests[i].SetVersion(version)
	}
	return requests
}

func frame(size uint32, rest []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, size), rest...)
}

// FuzzResponse reads what a broker, or something else on its port, may send: it
// must end in a response or an error, and hold no memory that was not sent.
func FuzzResponse(f *testing.F) {
	for i, req := range fuzzedRequests() {
		body := []byte{0, 0, 0, 1}
		if resp := req.ResponseKind(); resp.IsFlexible() && resp.Key() != 18 {
			body = append(body, 0)
		}
		body = req.ResponseKind().AppendTo(body)
		f.Add(uint8(i), frame(uint32(len(body)), body))
	}
	f.Add(uint8(0), []byte("HTTP/1.1 400 Bad Request"))
	f.Add(uint8(1), frame(maxHeldFrame, []byte{0, 0, 0, 1}))
	f.Add(uint8(3), frame(9, []byte{0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f}))
	f.Fuzz(func(t *testing.T, which uint8, sent []byte) {
		requests := fuzzedRequests()
		req := requests[int(which)%len(requests)]
		sent = sent[:min(len(sent), 1<<16)]
		x := exchange{formatter: kmsg.NewRequestFormatter(), id: 1, req: req}
		_, err := x.RawExchange(received{bytes.NewReader(sent)})
		if (err == nil) != (x.resp != nil) {
			t.Errorf("response %v, error %v", x.resp, err)
		}
		if x.begun != (len(sent) > 0) {
			t.Errorf("begun is %v after %d bytes", x.begun, len(sent))
		}
	})
}

// A size that claims much costs only what arrives.
func TestFrameSizeIsNotBelieved(t *testing.T) {
	sent := make([]byte, 10)
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := readFrame(bytes.NewReader(sent), maxHeldFrame); !errors.Is(err, io.ErrUnexpectedEOF) {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 1<<20 {
		t.Errorf("%d bytes allocated for a frame of 10 bytes", allocated)
	}
}

func TestVersionChoice(t *testing.T) {
	tests := map[string]struct {
		theirs, ours Span
		want         int16 // -1: none
	}{
		"the broker is newer":           {Between(0, 12), Between(4, 9), 9},
		"the broker is older":           {Between(0, 5), Between(4, 9), 5},
		"the broker is too old":         {Between(0, 3), Between(4, 9), -1},
		"the broker has dropped ours":   {Between(10, 12), Between(4, 9), -1},
		"one version in common, oldest": {Between(9, 12), Between(4, 9), 9},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Versions{3: test.theirs}.choose(kmsg.NewPtrMetadataRequest(), test.ours)
			if (err != nil) != (test.want < 0) || err == nil && got != test.want {
				t.Errorf("got v%d, %v; want v%d", got, err, test.want)
			}
		})
	}
	if _, err := (Versions{}).choose(kmsg.NewPtrMetadataRequest(), Between(0, 1)); err == nil {
		t.Error("an API that the broker does not know was chosen")
	}
}

// Counts that the bytes do not bear out are refused before anything is made of them.
func TestCountsAreNotBelieved(t *testing.T) {
	many := []byte{0xff, 0xff, 0xff, 0xff, 0x0f} // 2^32-1
	tests := map[string]struct {
		request kmsg.Request
		body    []byte
	}{
		"elements":       {kmsg.NewPtrFindCoordinatorRequest(), append([]byte{0, 0, 0, 0}, many...)},
		"tagged fields":  {kmsg.NewPtrFindCoordinatorRequest(), append([]byte{0, 0, 0, 0, 1}, many...)},
		"a tag's size":   {kmsg.NewPtrFindCoordinatorRequest(), append([]byte{0, 0, 0, 0, 1, 1, 1}, many...)},
		"an endless tag": {kmsg.NewPtrFindCoordinatorRequest(), bytes.Repeat([]byte{0xff}, 30)},
		"old elements":   {kmsg.NewPtrDescribeGroupsRequest(), []byte{0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			req := test.request
			req.SetVersion(4)
			body := []byte{0, 0, 0, 1}
			if req.IsFlexible() {
				body = append(body, 0)
			}
			body = append(body, test.body...)
			x := exchange{formatter: kmsg.NewRequestFormatter(), id: 1, req: req}
			start := time.Now()
			_, err := x.RawExchange(received{bytes.NewReader(frame(uint32(len(body)), body))})
			if !errors.Is(err, wire.ErrNotKafka) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
