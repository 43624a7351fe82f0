package scaler

import (
	"context"
	"sync"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// fakeKafka is one cluster whose snapshots a test sets.
type fakeKafka struct {
	mu        sync.Mutex
	snapshot  *collector.Snapshot
	version   collector.Version
	err       error
	unknown   error
	changed   chan struct{}
	snapshots int
	// idle is how many callers wait for records.
	idle int
}

func newFakeKafka() *fakeKafka { return &fakeKafka{changed: make(chan struct{})} }

func (k *fakeKafka) Resolve(string, trigger.Connection) (scaledobject.Snapshots, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.unknown != nil {
		return nil, k.unknown
	}
	return k, nil
}

func (k *fakeKafka) Snapshot(ctx context.Context, _ *collector.Query) (*collector.Snapshot, error) {
	k.mu.Lock()
	k.snapshots++
	snapshot, err := k.snapshot, k.err
	k.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if snapshot == nil && err == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return snapshot, err
}

func (k *fakeKafka) Peek(ctx context.Context, q *collector.Query) (*collector.Snapshot, error) {
	return k.Snapshot(ctx, q)
}

func (k *fakeKafka) Wait(ctx context.Context, _ *collector.Query, after collector.Version) (collector.Version, error) {
	for {
		k.mu.Lock()
		snapshot, version, err, changed := k.snapshot, k.version, k.err, k.changed
		k.mu.Unlock()
		if err != nil {
			return 0, err
		}
		if snapshot != nil && version > after {
			return version, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-changed:
		}
	}
}

func (k *fakeKafka) WaitForRecords(ctx context.Context, q *collector.Query, after collector.Version) (collector.Version, error) {
	k.await(1)
	defer k.await(-1)
	return k.Wait(ctx, q, after)
}

func (k *fakeKafka) await(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.idle += n
}

// awaited returns how many callers wait for records.
func (k *fakeKafka) awaited() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.idle
}

func (k *fakeKafka) set(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
	k.version++
	close(k.changed)
	k.changed = make(chan struct{})
}

// lags publishes a snapshot of topic "orders" in which partition i lags by lags[i] records.
func (k *fakeKafka) lags(lags ...int64) {
	k.set(func() { k.snapshot, k.err = snapshotOf(lags...), nil })
}

func (k *fakeKafka) fail(err error) { k.set(func() { k.err = err }) }

func (k *fakeKafka) asked() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.snapshots
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

func (o *seen) Observe(namespace, name, metric string) scaledobject.Series {
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

func (s *seenSeries) Planned(latency.Decision) {}

func (s *seenSeries) Close() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.closed = true
	if s.of.open[s.name]--; s.of.open[s.name] == 0 {
		delete(s.of.open, s.name)
	}
	s.of.forgotten = append(s.of.forgotten, s.name)
}

func (o *seen) decided() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.decisions)
}

func newTestServer(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.drain)
	return s
}

// ref is a ScaledObject's reference with a valid trigger, changed by pairs of key and value; an empty value removes the key.
func ref(name string, pairs ...string) *pb.ScaledObjectRef {
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
	return &pb.ScaledObjectRef{Name: name, Namespace: "shop", ScalerMetadata: metadata}
}

func metricsRequest(r *pb.ScaledObjectRef) *pb.GetMetricsRequest {
	return &pb.GetMetricsRequest{ScaledObjectRef: r, MetricName: "kafka-orders"}
}
