package kafka

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/guard"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// explosive is a request whose answer cannot be read without a panic.
type explosive struct{ *kmsg.MetadataRequest }

func (explosive) ReadResponse(io.Reader) error { panic("secret") }

// panics counts what a client reports.
type panics struct {
	silentObserver
	mu  sync.Mutex
	all []string
}

func (p *panics) Panicked(where string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, where)
}

func guarded(t *testing.T) (*Client, *panics, *observer.ObservedLogs) {
	t.Helper()
	fake := fakekafka.Start(t, 1, kfake.SeedTopics(3, "t0"))
	core, logs := observer.New(zap.ErrorLevel)
	seen := &panics{}
	client, err := New(Config{BootstrapServers: fake.ListenAddrs()}, Options{Observer: seen, Logger: zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, seen, logs
}

// A panic while an answer is read is an error of that call; the next call works.
func TestPanicInADecoder(t *testing.T) {
	client, seen, logs := guarded(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 5 { // more than there are connections
		_, _, err := client.askAny(ctx, func() kmsg.Request { return explosive{kmsg.NewPtrMetadataRequest()} }, metadataVersions)
		if fault.KindOf(err) != fault.Internal || !errors.Is(err, guard.ErrPanic) || strings.Contains(err.Error(), "secret") {
			t.Fatalf("got %v", err)
		}
		if wrapped := failure("describe topics of", client.cluster(), err); wrapped.Kind != fault.Internal || !strings.Contains(wrapped.Error(), "report it") {
			t.Errorf("got %v", wrapped)
		}
	}
	if len(seen.all) != 5 || logs.Len() != 5 || logs.All()[0].ContextMap()["stack"] == "" {
		t.Errorf("reported %v, %d logged", seen.all, logs.Len())
	}
	if _, err := client.Topics(ctx, []string{"t0"}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	for _, b := range client.Stats() {
		if b.Open != b.Idle {
			t.Errorf("%+v", b)
		}
	}
}

// A panic in what is done with an answer does not take the process along, nor keep the client from closing.
func TestPanicInAGoroutine(t *testing.T) {
	client, seen, _ := guarded(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	parts := []lag.TopicPartitions{{Topic: "t0", Partitions: []int32{0, 1, 2}}}
	client.LogOffsets(ctx, lag.End, parts, func([]lag.LogOffset) { panic("here") })
	client.Commits(ctx, []lag.GroupTopics{{Group: "g", Topics: parts}}, func([]lag.GroupCommits) { panic("here") })
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if len(seen.all) < 2 {
		t.Errorf("reported %v", seen.all)
	}
	got := 0
	client.LogOffsets(ctx, lag.End, parts, func(some []lag.LogOffset) { got += len(some) })
	if got != 3 {
		t.Errorf("%d delivered afterwards", got)
	}
}

func TestPanicOfAWorker(t *testing.T) {
	seen := &panics{}
	var mu sync.Mutex
	done := 0
	guard.InParallel(guard.Guard{Log: zap.NewNop(), Observer: seen}, "work", 2, []int{0, 1, 2, 3, 4, 5, 6, 7}, func(i int) {
		mu.Lock()
		defer mu.Unlock()
		if done++; i%2 == 0 {
			panic("here")
		}
	})
	if done != 8 || len(seen.all) != 4 {
		t.Errorf("%d done, %d panics", done, len(seen.all))
	}
}
