package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
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
		"what is read as it comes":         {newMetadataQuery(nil, pace.New().Of(t.Context())), maxStreamedFrame},
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
		if _, err := budget.take(ctx, smallFrame+1); !isTimeout(err) || !strings.Contains(err.Error(), "waiting for room") {
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

// subscribed is what a member writes about itself.
func subscribed(topics ...string) []byte {
	m := kmsg.NewConsumerMemberMetadata()
	m.Topics, m.UserData = topics, []byte("anything")
	return m.AppendTo(nil)
}

func TestTopicsOfMembersAreBounded(t *testing.T) {
	var names topicNamesOf
	var thousand []string
	for i := range 1000 {
		thousand = append(thousand, fmt.Sprint("t", i))
	}
	raw := subscribed(thousand...)
	for i := range maxMemberTopics / 1000 {
		if topics, known := names.subscription("consumer", raw); !known || len(topics) != 1000 {
			t.Fatalf("member %d: %d topics, %v", i, len(topics), known)
		}
	}
	if len(names.held) != 1000 {
		t.Errorf("%d names are held", len(names.held))
	}
	if topics, known := names.subscription("consumer", subscribed("one")); known || topics != nil {
		t.Errorf("one more: %v, %v", topics, known)
	}
	if parts := names.assignment("consumer", assigned("one", 1)); parts != nil {
		t.Errorf("one more: %v", parts)
	}
}

func assigned(topic string, ids ...int32) []byte {
	a := kmsg.NewConsumerMemberAssignment()
	a.Topics = []kmsg.ConsumerMemberAssignmentTopic{{Topic: topic, Partitions: ids}}
	return a.AppendTo(nil)
}

// FuzzMember reads what a member may write about itself.
func FuzzMember(f *testing.F) {
	f.Add(subscribed("a", "b"))
	f.Add(assigned("a", 1, 2))
	f.Add([]byte{0, 0, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var names topicNamesOf
		topics, known := names.subscription("consumer", raw)
		var plain kmsg.ConsumerMemberMetadata
		if plain.ReadFrom(raw) == nil && len(raw) > 0 {
			if !known || strings.Join(topics, ",") != strings.Join(plain.Topics, ",") {
				t.Errorf("%v, %v, want %v", topics, known, plain.Topics)
			}
		}
		total := 0
		for _, p := range names.assignment("consumer", raw) {
			total += len(p.Partitions)
		}
		if total > len(raw) || len(topics) > len(raw) {
			t.Errorf("%d partitions and %d topics of %d bytes", total, len(topics), len(raw))
		}
	})
}
