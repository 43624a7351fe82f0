package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
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
		theirs, ours span
		want         int16 // -1: none
	}{
		"the broker is newer":           {span{0, 12}, span{4, 9}, 9},
		"the broker is older":           {span{0, 5}, span{4, 9}, 5},
		"the broker is too old":         {span{0, 3}, span{4, 9}, -1},
		"the broker has dropped ours":   {span{10, 12}, span{4, 9}, -1},
		"one version in common, oldest": {span{9, 12}, span{4, 9}, 9},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := versions{3: test.theirs}.choose(kmsg.NewPtrMetadataRequest(), test.ours)
			if (err != nil) != (test.want < 0) || err == nil && got != test.want {
				t.Errorf("got v%d, %v; want v%d", got, err, test.want)
			}
		})
	}
	if _, err := (versions{}).choose(kmsg.NewPtrMetadataRequest(), span{0, 1}); err == nil {
		t.Error("an API that the broker does not know was chosen")
	}
}

func TestMetadataOfALaggingBrokerIsNotBelieved(t *testing.T) {
	topic := func(id byte, node, epoch int32) *metadataAnswer {
		return &metadataAnswer{topics: []topicAnswer{{name: "t", id: [16]byte{id}, leaders: []leader{{node: node, epoch: epoch}}}}}
	}
	steps := []struct {
		name string
		resp *metadataAnswer
		want int32
	}{
		{"first", topic(1, 1, 5), 1},
		{"the leader moves", topic(1, 2, 6), 2},
		{"a broker that has not heard of it", topic(1, 1, 5), 2},
		{"the topic is made anew", topic(2, 3, 0), 3},
		{"brokers too old for ids: the newest answer", topic(0, 4, 9), 4},
		{"and again", topic(0, 5, 0), 5},
	}
	var r routes
	r.init()
	for _, step := range steps {
		r.update(step.resp, time.Now())
		if got := r.topic("t", time.Now()).leaders[0].node; got != step.want {
			t.Errorf("%s: leader %d, want %d", step.name, got, step.want)
		}
	}
}
