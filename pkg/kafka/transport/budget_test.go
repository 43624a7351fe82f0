package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

func TestFramesAreBoundedByWhatIsAsked(t *testing.T) {
	for name, test := range map[string]struct {
		req  kmsg.Request
		most int32
	}{
		"before authentication: versions":  {kmsg.NewPtrApiVersionsRequest(), maxHandshakeFrame},
		"before authentication: mechanism": {kmsg.NewPtrSASLHandshakeRequest(), maxHandshakeFrame},
		"before authentication: SASL":      {kmsg.NewPtrSASLAuthenticateRequest(), maxHandshakeFrame},
		"what is held":                     {kmsg.NewPtrFindCoordinatorRequest(), maxHeldFrame},
		"members":                          {kmsg.NewPtrDescribeGroupsRequest(), maxHeldFrame},
		"what is read as it comes":         {passing{kmsg.NewPtrMetadataRequest()}, maxStreamedFrame},
	} {
		t.Run(name, func(t *testing.T) {
			x := exchange{ctx: t.Context(), formatter: kmsg.NewRequestFormatter(), id: 1, req: test.req}
			if size, err := x.readSize(bytes.NewReader(frame(uint32(test.most), nil))); err != nil || size != test.most {
				t.Errorf("%d bytes: %v", test.most, err)
			}
			_, err := x.readSize(bytes.NewReader(frame(uint32(test.most+1), nil)))
			_, large := errors.AsType[*wire.TooLargeError](err)
			if !large && !errors.Is(err, wire.ErrNotKafka) {
				t.Errorf("one byte more: %v", err)
			}
		})
	}
}

func TestBudgetWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewBudget(1 << 20)
		if _, err := budget.take(t.Context(), 1<<20+1); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
			t.Errorf("more than there is: %v", err)
		}
		giveBack, err := budget.take(t.Context(), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if small, err := budget.take(t.Context(), smallFrame); err != nil {
			t.Errorf("a small answer waits: %v", err)
		} else {
			small()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := budget.take(ctx, smallFrame+1); !IsTimeout(err) || !strings.Contains(err.Error(), "waiting for room") {
			t.Errorf("no room within a second: %v", err)
		}
		time.AfterFunc(time.Minute, giveBack)
		began := time.Now()
		again, err := budget.take(t.Context(), 1<<20)
		if err != nil || time.Since(began) != time.Minute {
			t.Fatalf("got room after %v, %v", time.Since(began), err)
		}
		again()
	})
}

// Many answers, each nearly as large as the budget, are all read, and it is whole afterwards.
func TestBudgetIsGivenBack(t *testing.T) {
	budget := NewBudget(200_000)
	var reading sync.WaitGroup
	for i := range 20 {
		reading.Go(func() {
			body := bytes.Repeat([]byte{0}, 150_000)
			if i%2 == 0 {
				body = body[:100] // the connection ends
			}
			req := kmsg.NewPtrFindCoordinatorRequest()
			x := exchange{ctx: t.Context(), budget: budget, formatter: kmsg.NewRequestFormatter(), id: 1, req: req}
			if _, err := x.RawExchange(received{bytes.NewReader(frame(150_000, body))}); err == nil {
				t.Error("nonsense was read")
			}
		})
	}
	reading.Wait()
	giveBack, err := budget.take(t.Context(), 200_000)
	if err != nil {
		t.Fatal(err)
	}
	giveBack()
}

// passing is a request whose response is read as it comes: so much of it.
type passing struct{ *kmsg.MetadataRequest }

// ReadResponse implements Streamed.
func (passing) ReadResponse(r io.Reader) error {
	_, err := io.CopyN(io.Discard, r, 10)
	return err
}

// What is not read of a response is passed over, and no more: the next one begins there.
func TestStreamPassesOverTheRest(t *testing.T) {
	for size, fails := range map[int]bool{4: true, 13: true, 14: false, 100: false, 100_000: false} {
		body := append([]byte{0, 0, 0, 1}, make([]byte, size-4)...)
		in := bytes.NewReader(append(frame(uint32(size), body), "next"...))
		x := exchange{id: 1, req: passing{}}
		err := x.stream(in, passing{})
		if (err != nil) != fails || !fails && in.Len() != len("next") {
			t.Errorf("%d bytes: %v, %d left", size, err, in.Len())
		}
	}
}
