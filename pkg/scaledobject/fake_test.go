package scaledobject

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// uncontained lets panics fail the test.
func uncontained(_ string, do func()) error { do(); return nil }

// fixedCluster always shows the same snapshot, and has no news.
type fixedCluster struct {
	Snapshots
	snapshot *collector.Snapshot
}

func (c fixedCluster) Resolve(string, trigger.Connection) (Snapshots, error) { return c, nil }

func (c fixedCluster) Snapshot(context.Context, *collector.Query) (*collector.Snapshot, error) {
	return c.snapshot, nil
}

func (c fixedCluster) Peek(context.Context, *collector.Query) (*collector.Snapshot, error) {
	return c.snapshot, nil
}

func snapshotOf(lags ...int64) *collector.Snapshot {
	const committed = 1000
	now := time.Now()
	s := &collector.Snapshot{ObservedAt: now}
	for i, n := range lags {
		s.Offsets = append(s.Offsets, lag.Offsets{
			TopicPartition: lag.TopicPartition{Topic: "orders", Partition: int32(i)},
			Committed:      committed,
			LogStart:       0,
			LogEnd:         committed + n,
			ObservedAt:     now,
		})
	}
	return s
}

// seen is what an observer was told.
type seen struct {
	mu        sync.Mutex
	decisions []policy.Decision
	planned   []latency.Decision
	forgotten []string
	// open counts the series that are open, by their names.
	open map[string]int
	// late counts the decisions told to a series that was closed.
	late int
}

// seenSeries is one of its series.
type seenSeries struct {
	of     *seen
	name   string
	closed bool
}

func (o *seen) Observe(namespace, name, metric string) Series {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := &seenSeries{of: o, name: namespace + "/" + name + "/" + metric}
	if o.open == nil {
		o.open = map[string]int{}
	}
	o.open[s.name]++
	return s
}

func (s *seenSeries) Decided(d policy.Decision, _ time.Time) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.of.decisions = append(s.of.decisions, d)
	if s.closed {
		s.of.late++
	}
}

func (s *seenSeries) Planned(d latency.Decision) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.of.planned = append(s.of.planned, d)
	if s.closed {
		s.of.late++
	}
}

func (s *seenSeries) Close() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.closed = true
	if s.of.open[s.name]--; s.of.open[s.name] == 0 {
		delete(s.of.open, s.name)
	}
	s.of.forgotten = append(s.of.forgotten, s.name)
}

// ref is a reference with a valid trigger, changed by pairs of key and value; an empty value removes the key.
func ref(name string, pairs ...string) Ref {
	metadata := map[string]string{
		"scalerAddress": "kafka-scaler:6000",
		"cluster":       "main",
		"consumerGroup": "billing",
		"topic":         "orders",
		"lagThreshold":  "10",
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			delete(metadata, pairs[i])
		} else {
			metadata[pairs[i]] = pairs[i+1]
		}
	}
	return Ref{Namespace: "shop", Name: name, Metadata: metadata}
}
