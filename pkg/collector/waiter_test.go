package collector

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

const fetch api = "Fetch"

// waitingCluster is a cluster whose brokers can be waited on.
type waitingCluster struct {
	*cluster
	// The rest is guarded by the cluster's mutex. bell is closed when a wait may be over.
	bell chan struct{}
	// led says who leads what is not led by default; -1 is nobody. believed is what FindLeaders last found.
	led, believed map[lag.TopicPartition]int32
	denied        map[string]bool
	found         int
	// late says how much later than asked for a wait is over that has no news; nil is not at all.
	late func(from []lag.LogWait) time.Duration
	// open are the waits under way, ended those that have ended.
	open  map[*fakeWait]bool
	ended int
}

type fakeWait struct {
	leader int32
	from   []lag.LogWait
}

func newWaitingCluster(brokers int) *waitingCluster {
	return &waitingCluster{
		cluster: newCluster(brokers), bell: make(chan struct{}), open: map[*fakeWait]bool{},
		led: map[lag.TopicPartition]int32{}, believed: map[lag.TopicPartition]int32{}, denied: map[string]bool{},
	}
}

// change changes the cluster, as the brokers notice at once.
func (w *waitingCluster) change(f func()) {
	w.with(func() {
		f()
		close(w.bell)
		w.bell = make(chan struct{})
	})
}

func (w *waitingCluster) produce(topic string, partition int, n int64) {
	w.change(func() {
		w.topics[topic].ends[partition] += n
		w.topics[topic].stable[partition] += n
	})
}

func (w *waitingCluster) leader(led map[lag.TopicPartition]int32, tp lag.TopicPartition) int32 {
	if node, ok := led[tp]; ok {
		return node
	}
	return int32(w.broker(tp.Topic, tp.Partition))
}

func (w *waitingCluster) Leaders(topic string) func(int32) (int32, bool) {
	return func(p int32) (int32, bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		node := w.leader(w.believed, lag.TopicPartition{Topic: topic, Partition: p})
		return node, node >= 0
	}
}

func (w *waitingCluster) FindLeaders(ctx context.Context, _ []string) error {
	w.with(func() {
		w.found++
		w.believed = maps.Clone(w.led)
	})
	return ctx.Err()
}

func (w *waitingCluster) AwaitRecords(ctx context.Context, leader int32, at lag.Position, from []lag.LogWait, most time.Duration) ([]lag.LogWake, error) {
	w.note(fetch, len(from))
	wait := &fakeWait{leader, from}
	w.with(func() {
		w.open[wait] = true
		if w.late != nil {
			most += w.late(from)
		}
	})
	defer w.with(func() {
		delete(w.open, wait)
		w.ended++
	})
	over := time.NewTimer(most)
	defer over.Stop()
	for {
		w.mu.Lock()
		bell, wakes := w.bell, w.wakes(leader, at, from)
		w.mu.Unlock()
		if len(wakes) > 0 {
			// The worst moment: the broker reads, and then takes its time.
			if err := w.meet(ctx, fetch, int(leader)); err != nil {
				return nil, err
			}
			return wakes, nil
		}
		select {
		case <-bell:
		case <-over.C:
			return nil, nil
		case <-ctx.Done():
			return nil, unavailable(ctx.Err())
		}
	}
}

func (w *waitingCluster) wakes(leader int32, at lag.Position, from []lag.LogWait) (wakes []lag.LogWake) {
	for _, f := range from {
		wake := lag.LogWake{TopicPartition: f.TopicPartition, End: lag.Unknown, Start: lag.Unknown}
		end := w.logOffset(f.TopicPartition, at)
		switch {
		case w.denied[f.Topic]:
			wake.Reason, wake.Err = lag.WakeDenied, errors.New("denied")
		case end.Err != nil || w.leader(w.led, f.TopicPartition) != leader:
			wake.Reason, wake.Err = lag.WakeMoved, errors.New("moved")
		case end.Offset < f.Offset:
			wake.Reason = lag.WakeShrunk
		case end.Offset == f.Offset:
			continue
		default:
			wake.End, wake.Start = end.Offset, w.topics[f.Topic].starts[f.Partition]
		}
		wakes = append(wakes, wake)
	}
	return wakes
}

// waits returns the sizes of the waits under way, ascending.
func (w *waitingCluster) waits() (sizes []int) {
	w.with(func() {
		for wait := range w.open {
			sizes = append(sizes, len(wait.from))
		}
	})
	slices.Sort(sizes)
	return sizes
}

func sum(sizes []int) (n int) {
	for _, size := range sizes {
		n += size
	}
	return n
}

// awaited returns the offsets at which a partition is waited on, by leader.
func (w *waitingCluster) awaited(topic string, partition int32) map[int32]int64 {
	offsets := map[int32]int64{}
	w.with(func() {
		for wait := range w.open {
			for _, f := range wait.from {
				if f.Topic == topic && f.Partition == partition {
					offsets[wait.leader] = f.Offset
				}
			}
		}
	})
	return offsets
}

// stream is an inactive stream of a trigger: it waits for records as long as the total lag is below the threshold.
type stream struct {
	threshold int64
	active    chan time.Time
	stop      context.CancelFunc
}

func (s *stream) run(ctx context.Context, c *Collector, q *Query) {
	var seen Version
	wait := c.WaitForRecords
	said := false
	for {
		var err error
		if seen, err = wait(ctx, q, seen); err != nil {
			return
		}
		next, err := c.Snapshot(ctx, q)
		if err != nil {
			continue
		}
		r := lag.Compute(lag.Rules{ResetPolicy: lag.Latest, MaxAge: time.Hour, ReadCommitted: q.ReadCommitted}, next.Offsets, time.Now())
		active := r.Activation > s.threshold
		if active && !said {
			s.active <- time.Now()
		}
		said, wait = active, c.WaitForRecords
		if active {
			wait = c.Wait
		}
	}
}

func openStream(t *testing.T, c *Collector, q *Query, threshold int64) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &stream{threshold: threshold, active: make(chan time.Time, 1000), stop: cancel}
	ended := make(chan struct{})
	go func() { defer close(ended); s.run(ctx, c, q) }()
	t.Cleanup(func() { cancel(); <-ended })
	return s
}

// wantActive fails the test unless the stream has become active, and returns how long after since.
func (s *stream) wantActive(t *testing.T, since time.Time) time.Duration {
	t.Helper()
	select {
	case at := <-s.active:
		return at.Sub(since)
	default:
		t.Fatal("the stream has not become active")
		return 0
	}
}

func (s *stream) wantInactive(t *testing.T) {
	t.Helper()
	select {
	case <-s.active:
		t.Fatal("the stream has become active")
	default:
	}
}
