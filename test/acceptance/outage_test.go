//go:build realkafka

package acceptance

import (
	"context"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// recovery is how long a client may be behind the cluster's own recovery.
const recovery = 2 * time.Second

// recovers calls read until it succeeds, and fails the test if that is later than
// recovery after the cluster itself is well: after another client's try succeeds.
func recovers(ctx context.Context, t *testing.T, try, read func(context.Context) error) {
	t.Helper()
	healed := make(chan time.Time, 1)
	go func() {
		persist(ctx, try)
		healed <- time.Now()
	}()
	persist(ctx, func(ctx context.Context) error {
		err := read(ctx)
		if err != nil && fault.KindOf(err) != fault.Unavailable {
			t.Errorf("while a broker is away: %v; want an error of kind %s", err, fault.Unavailable)
		}
		return err
	})
	readAt := time.Now()
	if late := readAt.Sub(<-healed); late > recovery {
		t.Errorf("the client recovered %v after the cluster; want within %v", late, recovery)
	}
	if err := ctx.Err(); err != nil {
		t.Fatalf("no recovery: %v", err)
	}
}

// persist calls do, each time with a second's deadline, until it succeeds or ctx ends.
func persist(ctx context.Context, do func(context.Context) error) {
	for ctx.Err() == nil {
		callCtx, cancel := context.WithTimeout(ctx, time.Second)
		err := do(callCtx)
		cancel()
		if err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// endsRead has the harness's client read a topic's ends.
func endsRead(topic string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := cluster.EndOffsets(ctx, topic)
		return err
	}
}

// heal has the end of a test bring every broker back, however the test ends: the
// next one is to fail for reasons of its own.
func heal(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		for _, b := range cluster.Brokers() {
			if !b.Running() {
				must(t, b.Restart(ctx))
			}
		}
		must(t, cluster.WaitInSync(ctx))
	})
}

func TestLeaderMovesWhenItsBrokerIsKilled(t *testing.T) {
	heal(t)
	ctx := scene(t)
	must(t,
		cluster.CreateTopic(ctx, "moved", 1, 3, nil),
		cluster.Reassign(ctx, "moved", 0, 2, 1, 3),
		cluster.Produce(ctx, "moved", 0, 7),
	)
	client, _ := newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
	tp := lag.TopicPartition{Topic: "moved", Partition: 0}
	read := func(ctx context.Context) error {
		end := logOffsets(ctx, t, client, lag.End, partitions("moved", 1))[tp]
		if end.err == nil && end.offset != 7 {
			t.Errorf("the log ends at %d, want 7", end.offset)
		}
		return end.err
	}
	must(t, read(ctx))
	must(t, cluster.Broker(2).Kill())
	recovers(ctx, t, endsRead("moved"), read)
	must(t, cluster.Broker(2).Restart(ctx), cluster.WaitInSync(ctx))

	// A leader that only hands over says so: no failed read at all.
	must(t, read(ctx), cluster.MoveLeader(ctx, "moved", 0, 2), read(ctx))
}

func TestPausedBrokerDelaysItsOwnPartitionsOnly(t *testing.T) {
	heal(t)
	ctx := scene(t)
	must(t,
		cluster.CreateTopic(ctx, "paused", 3, 1, nil),
		cluster.Reassign(ctx, "paused", 0, 1),
		cluster.Reassign(ctx, "paused", 1, 2),
		cluster.Reassign(ctx, "paused", 2, 3),
		cluster.Produce(ctx, "paused", 1, 5),
	)
	client, _ := newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
	frozen := lag.TopicPartition{Topic: "paused", Partition: 1}
	parts := partitions("paused", 3)
	for tp, end := range logOffsets(ctx, t, client, lag.End, parts) {
		must(t, end.err)
		if tp == frozen && end.offset != 5 {
			t.Errorf("%s ends at %d, want 5", tp, end.offset)
		}
	}
	must(t, cluster.Broker(2).Pause())
	const deadline = 700 * time.Millisecond
	for range 2 { // once on an open connection, once where a new one is needed
		began := time.Now()
		callCtx, cancel := context.WithTimeout(ctx, deadline)
		ends := logOffsets(callCtx, t, client, lag.End, parts)
		cancel()
		if took := time.Since(began); took > deadline+recovery {
			t.Errorf("the call took %v, its deadline was %v", took, deadline)
		}
		for tp, end := range ends {
			if (end.err != nil) != (tp == frozen) {
				t.Errorf("%s: %+v; want an error for %s and no other", tp, end, frozen)
			}
		}
	}
	must(t, cluster.Broker(2).Resume())
	recovers(ctx, t, endsRead("paused"), func(ctx context.Context) error {
		end := logOffsets(ctx, t, client, lag.End, parts)[frozen]
		if end.err == nil && end.offset != 5 {
			t.Errorf("%s ends at %d, want 5", frozen, end.offset)
		}
		return end.err
	})
}

// TestCoordinatorLost kills the broker that answers for a group. The next
// coordinator knows every commit at once, but answers with those that it knows its
// followers to have: for up to a second, a commit made within the last half second
// before the loss is not seen, and the one before it is. (Kafka 4.3: OffsetFetch
// reads up to the high watermark of __consumer_offsets, which followers learn with
// a delay.) So a commit may go back, which makes lag larger; it never goes missing.
func TestCoordinatorLost(t *testing.T) {
	heal(t)
	ctx := scene(t)
	must(t,
		cluster.CreateTopic(ctx, "orphan", 2, 3, nil),
		cluster.Produce(ctx, "orphan", 0, 9),
		// The only commit, made right before the coordinator goes: a new one may answer as if it had never been.
		cluster.Commit(ctx, "orphan", "orphan", map[int32]int64{0: 4}),
	)
	client, _ := newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
	asked := lag.GroupTopics{Group: "orphan", Topics: []lag.TopicPartitions{partitions("orphan", 1)}}
	var seen int64
	read := func(ctx context.Context) (err error) {
		seen, err = committed(commits(ctx, t, client, asked)["orphan"], "orphan", 0)
		if err == nil && seen != 4 {
			t.Errorf("committed offset %d, want 4 or an error", seen)
		}
		return err
	}
	must(t, read(ctx))
	lost, err := cluster.Coordinator(ctx, "orphan")
	must(t, err)
	must(t, cluster.Broker(lost).Kill())
	recovers(ctx, t, func(ctx context.Context) error {
		return cluster.Commit(ctx, "orphan", "orphan", map[int32]int64{1: 0})
	}, read)
	must(t, read(ctx))
}
