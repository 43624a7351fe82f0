package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// workers are the pods of the demo: each replica is one member of the consumer group, with a
// client and connections of its own. It is the kedaloop.Workload.
type workers struct {
	ctx    context.Context //nolint:containedctx // the lifetime of all members
	kafka  *kafka
	fail   func(error) // called if a member cannot be started
	count  atomic.Int64
	stops  []context.CancelFunc // newest last; the loop calls Scale one at a time
	group  sync.WaitGroup
	worked atomic.Int64
	first  atomic.Pointer[time.Time] // when the first record was worked off
}

// Replicas implements kedaloop.Workload.
func (w *workers) Replicas() int64 { return w.count.Load() }

// Scale implements kedaloop.Workload. The newest members go first, and each leaves the group in its own time.
func (w *workers) Scale(replicas int64) {
	for int64(len(w.stops)) > replicas {
		last := len(w.stops) - 1
		w.stops[last]()
		w.stops = w.stops[:last]
	}
	for int64(len(w.stops)) < replicas {
		ctx, stop := context.WithCancel(w.ctx)
		w.stops = append(w.stops, stop)
		w.group.Go(func() {
			if err := w.member(ctx); err != nil {
				w.fail(err)
			}
		})
	}
	w.count.Store(replicas)
}

// wait returns when all members are gone, which is after the end of ctx.
func (w *workers) wait() { w.group.Wait() }

// member works until ctx ends. It then commits what it has worked off and leaves the group, as a
// well-behaved consumer does on SIGTERM.
func (w *workers) member(ctx context.Context) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(w.kafka.servers...), kgo.ClientID("demo-worker"),
		kgo.ConsumerGroup(w.kafka.group), kgo.ConsumeTopics(w.kafka.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.AutoCommitMarks(), kgo.AutoCommitInterval(500*time.Millisecond),
		kgo.HeartbeatInterval(300*time.Millisecond), kgo.SessionTimeout(10*time.Second), kgo.RebalanceTimeout(10*time.Second),
		kgo.FetchMaxWait(250*time.Millisecond),
	)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		// Few at a time, so that a partition that is taken away leaves little to do twice.
		fetches := client.PollRecords(ctx, 5)
		for _, r := range fetches.Records() {
			if !w.work(ctx) {
				break
			}
			client.MarkCommitRecords(r)
		}
	}
	leaving, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// What cannot be committed or left now is worked off again, or times out: at least once, as ever.
	_ = client.CommitMarkedOffsets(leaving)
	_ = client.LeaveGroupContext(leaving)
	client.Close()
	return nil
}

// work takes the time of one record, and reports whether it was finished.
func (w *workers) work(ctx context.Context) bool {
	timer := time.NewTimer(serviceTime)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	if w.worked.Add(1) == 1 {
		now := time.Now()
		w.first.Store(&now)
	}
	return true
}
