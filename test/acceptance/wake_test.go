//go:build realkafka

package acceptance

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/sync/errgroup"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
)

// wakeTransitions is how often TestNoWakeUpIsLost puts a group to sleep and wakes it.
var wakeTransitions = flag.Int("wake-transitions", 300, "wake-ups in TestNoWakeUpIsLost")

// edge is what a stream said, and when.
type edge struct {
	active bool
	at     time.Time
}

// sleeper is a stream of StreamIsActive, as KEDA holds it.
type sleeper struct {
	said  chan edge
	close context.CancelFunc
	ended chan error
}

func openStream(ctx context.Context, t *testing.T, p *product, metadata map[string]string) *sleeper {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	stream, err := p.KEDA.StreamIsActive(ctx, &pb.ScaledObjectRef{Namespace: "acceptance", Name: t.Name(), ScalerMetadata: metadata})
	must(t, err)
	s := &sleeper{said: make(chan edge, 100), close: cancel, ended: make(chan error, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			m, err := stream.Recv()
			if err != nil {
				s.ended <- err
				return
			}
			s.said <- edge{m.GetResult(), time.Now()}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return s
}

// within returns what the stream says next, and fails the test where it says nothing in time.
func (s *sleeper) within(t *testing.T, d time.Duration, active bool) edge {
	t.Helper()
	select {
	case e := <-s.said:
		if e.active != active {
			t.Fatalf("the stream says %v, want %v", e.active, active)
		}
		return e
	case err := <-s.ended:
		t.Fatalf("the stream has ended: %v", err)
	case <-time.After(d):
		t.Fatalf("the stream does not say %v within %v", active, d)
	}
	return edge{}
}

func (s *sleeper) silent(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case e := <-s.said:
		t.Fatalf("the stream says %v, want silence", e.active)
	case err := <-s.ended:
		t.Fatalf("the stream has ended: %v", err)
	case <-time.After(d):
	}
}

// sharedCluster is a configuration with the shared cluster, refreshed at an interval.
func sharedCluster(refresh time.Duration) string {
	return fmt.Sprintf("refresh: {interval: %s}\nclusters:\n  - name: shared\n    bootstrapServers: [%s, %s, %s]\n",
		refresh, cluster.Bootstrap()[0], cluster.Bootstrap()[1], cluster.Bootstrap()[2])
}

func trigger(group string, more ...string) map[string]string {
	m := map[string]string{"cluster": "shared", "consumerGroup": group, "topic": group, "maxSnapshotAge": "60s"}
	for pair := range slices.Chunk(more, 2) {
		m[pair[0]] = pair[1]
	}
	return m
}

// TestStreamSaysTrueBeforeTheNextRefresh: with a refresh every half minute, only
// the wait for records can be as quick as a stream has to be here.
func TestStreamSaysTrueBeforeTheNextRefresh(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	must(t,
		cluster.CreateTopic(ctx, "wake", 3, 3, nil),
		cluster.Produce(ctx, "wake", 1, 5),
		cluster.Commit(ctx, "wake", "wake", map[int32]int64{0: 0, 1: 5, 2: 0}),
	)
	p := serve(t, sharedCluster(30*time.Second))
	const soon = 10 * time.Second
	one := openStream(ctx, t, p, trigger("wake"))
	many := openStream(ctx, t, p, trigger("wake", "activationLagThreshold", "5"))
	one.silent(t, 2*time.Second)
	must(t, cluster.Produce(ctx, "wake", 2, 1))
	first := one.within(t, soon, true)
	got, err := p.evaluate(ctx, t, trigger("wake"))
	if err != nil || got != (outcome{1, true}) {
		t.Errorf("GetMetrics after the wake: %+v, %v; want 1, active", got, err)
	}
	// Below its threshold, a stream counts on, over partitions.
	many.silent(t, time.Second)
	must(t, cluster.Produce(ctx, "wake", 2, 1), cluster.Produce(ctx, "wake", 0, 3))
	many.silent(t, time.Second)
	must(t, cluster.Produce(ctx, "wake", 1, 1))
	many.within(t, soon, true)
	// KEDA may have dropped the first true, so there is one more, and no third.
	if again := one.within(t, 20*time.Second, true); again.at.Sub(first.at) < 5*time.Second {
		t.Errorf("true was repeated after %v", again.at.Sub(first.at))
	}
	one.silent(t, time.Second)
	// A stream that opens on work says so at once.
	openStream(ctx, t, p, trigger("wake")).within(t, soon, true)
	// The falling edge comes with the refresh, once.
	must(t, cluster.Commit(ctx, "wake", "wake", map[int32]int64{0: 3, 1: 6, 2: 2}))
	one.within(t, time.Minute, false)
	one.silent(t, time.Second)
	must(t, cluster.Produce(ctx, "wake", 0, 1))
	one.within(t, soon, true)
}

func TestTransactionsWakeWhenTheyAreCommitted(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	must(t, cluster.CreateTopic(ctx, "wake-tx", 1, 3, nil), cluster.Commit(ctx, "wake-tx", "wake-tx", map[int32]int64{0: 0}))
	p := serve(t, sharedCluster(30*time.Second))
	committed := openStream(ctx, t, p, trigger("wake-tx", "isolationLevel", "read_committed"))
	all := openStream(ctx, t, p, trigger("wake-tx"))
	all.silent(t, time.Second)
	tx, err := cluster.BeginTransaction(ctx, "wake-tx", "wake-tx", 0, 5)
	must(t, err)
	all.within(t, 10*time.Second, true)
	committed.silent(t, time.Second)
	must(t, tx.End(ctx, true))
	committed.within(t, 10*time.Second, true)
}

func TestTopicWithoutREADIsPolled(t *testing.T) {
	ctx := scene(t)
	secured := kafkabroker.ForTest(t, kafkabroker.Options{Security: &kafkabroker.Security{Users: map[string]string{"scaler": password}}})
	must(t,
		secured.CreateTopic(ctx, "orders", 1, 1, nil), secured.Commit(ctx, "g", "orders", map[int32]int64{0: 0}),
		secured.AllowTopic(ctx, "User:scaler", "orders", kadm.OpDescribe), secured.AllowGroup(ctx, "User:scaler", "g", kadm.OpDescribe),
	)
	t.Setenv("WAKE_PASSWORD", password)
	p := serve(t, fmt.Sprintf("clusters:\n  - name: shared\n    bootstrapServers: [%s]\n"+
		"    sasl: {mechanism: scram_sha512, username: scaler, passwordEnv: WAKE_PASSWORD}\n", secured.SecureBootstrap(kafkabroker.SASLPlaintext)[0]))
	stream := openStream(ctx, t, p, map[string]string{"cluster": "shared", "consumerGroup": "g", "topic": "orders"})
	stream.silent(t, 3*time.Second)
	must(t, secured.Produce(ctx, "orders", 0, 1))
	stream.within(t, 10*time.Second, true)
	if log := p.process.Tail(100); !containsOnce(log, "--operation Read --topic orders") {
		t.Errorf("the log does not name the ACL once:\n%s", log)
	}
}

// TestWakeAfterTheLeaderIsLost: wherever the leader goes, the stream follows.
func TestWakeAfterTheLeaderIsLost(t *testing.T) {
	heal(t)
	ctx := scene(t)
	must(t,
		cluster.CreateTopic(ctx, "wake-lost", 1, 3, nil),
		cluster.Reassign(ctx, "wake-lost", 0, 2, 1, 3),
		cluster.Commit(ctx, "wake-lost", "wake-lost", map[int32]int64{0: 0}),
	)
	p := serve(t, sharedCluster(time.Second))
	produced := int64(0)
	wake := func(stream *sleeper) {
		t.Helper()
		must(t, cluster.Produce(ctx, "wake-lost", 0, 1))
		acknowledged := time.Now()
		produced++
		if late := stream.within(t, 30*time.Second, true).at.Sub(acknowledged); late > time.Second+recovery {
			t.Errorf("true came %v after the acknowledgement, want a refresh interval at most", late)
		}
		must(t, cluster.Commit(ctx, "wake-lost", "wake-lost", map[int32]int64{0: produced}))
		stream.within(t, 30*time.Second, false)
	}
	stream := openStream(ctx, t, p, trigger("wake-lost"))
	stream.silent(t, time.Second)
	wake(stream)
	for _, lose := range []struct {
		name string
		do   func() error
	}{
		{"killed", cluster.Broker(2).Kill},
		{"paused", cluster.Broker(2).Pause},
		{"stopped", func() error { return cluster.Broker(2).Stop(ctx) }},
	} {
		t.Log("the leader is", lose.name)
		must(t, cluster.MoveLeader(ctx, "wake-lost", 0, 2))
		wake(stream)
		must(t, lose.do())
		persist(ctx, endsRead("wake-lost"))
		wake(stream)
		if lose.name == "paused" {
			must(t, cluster.Broker(2).Resume())
		} else {
			must(t, cluster.Broker(2).Restart(ctx))
		}
		must(t, cluster.WaitInSync(ctx))
		wake(stream)
	}
	p.process.Stop(20 * time.Second)
	if err := <-stream.ended; err != io.EOF { //nolint:errorlint // gRPC returns it bare
		t.Errorf("the stream of a scaler that stops ends with %v, want OK", err)
	}
}

// TestManyStreamsAtOnce is a KEDA that has just restarted.
func TestManyStreamsAtOnce(t *testing.T) {
	ctx := scene(t)
	const streams, topics = 2000, 20
	var names []string
	for i := range topics {
		names = append(names, fmt.Sprintf("wake-many-%d", i))
	}
	must(t, cluster.CreateTopics(ctx, names, 5, 1, nil))
	var setUp errgroup.Group
	setUp.SetLimit(4)
	for i := range streams / 10 {
		setUp.Go(func() error {
			return cluster.Commit(ctx, fmt.Sprintf("wake-many-%d", i), names[i%topics], map[int32]int64{0: 0, 1: 0, 2: 0, 3: 0, 4: 0})
		})
	}
	must(t, setUp.Wait())
	p := serve(t, sharedCluster(30*time.Second))
	var open []*sleeper
	for i := range streams {
		metadata := trigger(fmt.Sprintf("wake-many-%d", i%(streams/10)))
		metadata["topic"] = names[i%topics]
		open = append(open, openStream(ctx, t, p, metadata))
	}
	open[0].silent(t, 5*time.Second)
	for i, name := range names {
		must(t, cluster.Produce(ctx, name, int32(i%5), 1))
	}
	for _, s := range open {
		s.within(t, 20*time.Second, true)
	}
}

// TestNoWakeUpIsLost produces at random moments around everything that changes
// what is waited on: streams that open, close and come again, groups that have
// just caught up, leaders that move. Every record has to lead to a true within a
// refresh interval.
func TestNoWakeUpIsLost(t *testing.T) {
	const sleepers = 24
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(*wakeTransitions)*200*time.Millisecond)
	defer cancel()
	var names []string
	for i := range sleepers {
		names = append(names, fmt.Sprintf("wake-random-%d", i))
	}
	must(t, cluster.CreateTopics(ctx, names, 2, 3, nil))
	p := serve(t, sharedCluster(time.Second))
	var tally struct {
		sync.Mutex
		took []time.Duration
		left int
	}
	tally.left = *wakeTransitions
	var all errgroup.Group
	for i, name := range names {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		all.Go(func() error {
			s := randomSleeper{t: t, p: p, r: r, name: name}
			for ctx.Err() == nil {
				tally.Lock()
				tally.left--
				over := tally.left < 0
				tally.Unlock()
				if over {
					return nil
				}
				took, err := s.transition(ctx)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				tally.Lock()
				tally.took = append(tally.took, took)
				tally.Unlock()
			}
			return ctx.Err()
		})
	}
	must(t, all.Wait())
	slices.Sort(tally.took)
	at := func(q float64) time.Duration { return tally.took[int(q*float64(len(tally.took)-1))] }
	quick, _ := slices.BinarySearch(tally.took, 200*time.Millisecond)
	t.Logf("%d wake-ups, none lost: p50 %v, p95 %v, p99 %v, longest %v; %d took longer than 200 ms",
		len(tally.took), at(0.5), at(0.95), at(0.99), at(1), len(tally.took)-quick)
}

// randomSleeper puts one group to sleep and wakes it, in ways that r chooses.
type randomSleeper struct {
	t    *testing.T
	p    *product
	r    *rand.Rand
	name string
	// ends are the log ends of its topic.
	ends  [2]int64
	close context.CancelFunc
	said  chan edge
}

// transition returns how long after both, the acknowledgement of a record and the
// opening of the stream, the stream said true.
func (s *randomSleeper) transition(ctx context.Context) (time.Duration, error) {
	// Everything has been read: the group sleeps.
	if err := cluster.Commit(ctx, s.name, s.name, map[int32]int64{0: s.ends[0], 1: s.ends[1]}); err != nil {
		return 0, err
	}
	kind := s.r.IntN(5)
	if s.said != nil && kind < 4 {
		if err := s.fallAsleep(ctx); err != nil {
			return 0, err
		}
	}
	s.pause(30)
	var around errgroup.Group
	opened := time.Time{}
	switch {
	case kind == 0 && s.said != nil: // a stream that is there already
	case kind == 1: // the leader moves
		around.Go(func() error { return s.moveLeader(ctx) })
		if s.said == nil {
			around.Go(func() error { opened = time.Now(); return s.open(ctx) })
		}
	case kind == 2 && s.said != nil: // the stream goes and comes again
		s.close()
		around.Go(func() error { s.pause(20); opened = time.Now(); return s.open(ctx) })
	default: // a stream that opens on a group that sleeps, or, the last kind, has only just caught up
		if s.said != nil {
			s.close()
		}
		around.Go(func() error { opened = time.Now(); return s.open(ctx) })
	}
	partition := int32(s.r.IntN(2))
	wait := time.Duration(s.r.IntN(40)) * time.Millisecond
	acknowledged := time.Time{}
	around.Go(func() error {
		time.Sleep(wait)
		err := cluster.Produce(ctx, s.name, partition, 1)
		acknowledged = time.Now()
		return err
	})
	if err := around.Wait(); err != nil {
		return 0, err
	}
	s.ends[partition]++
	since := acknowledged
	if opened.After(since) {
		since = opened
	}
	// The refresh interval, and what a busy machine adds to it.
	const lost = 5 * time.Second
	for {
		select {
		case e := <-s.said:
			if e.active {
				return max(0, e.at.Sub(since)), nil
			}
		case <-time.After(lost):
			return 0, fmt.Errorf("a record of partition %d (transition %d) led to no true within %v", partition, kind, lost)
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (s *randomSleeper) pause(most int) { time.Sleep(time.Duration(s.r.IntN(most)) * time.Millisecond) }

// fallAsleep waits until the stream says that the group has caught up.
func (s *randomSleeper) fallAsleep(ctx context.Context) error {
	for {
		select {
		case e := <-s.said:
			if !e.active {
				return nil
			}
		case <-time.After(30 * time.Second):
			return errors.New("no false after the group has caught up")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *randomSleeper) open(ctx context.Context) error {
	ctx, s.close = context.WithCancel(ctx)
	metadata := map[string]string{"cluster": "shared", "consumerGroup": s.name, "topic": s.name}
	stream, err := s.p.KEDA.StreamIsActive(ctx, &pb.ScaledObjectRef{Namespace: "acceptance", Name: s.name, ScalerMetadata: metadata})
	if err != nil {
		return err
	}
	said := make(chan edge, 100)
	s.said = said
	go func() {
		for {
			m, err := stream.Recv()
			if err != nil {
				return
			}
			said <- edge{m.GetResult(), time.Now()}
		}
	}()
	return nil
}

func (s *randomSleeper) moveLeader(ctx context.Context) error {
	for partition := range int32(2) {
		if err := cluster.MoveLeader(ctx, s.name, partition, 1+int32(s.r.IntN(3))); err != nil {
			return err
		}
	}
	return nil
}

func containsOnce(text, part string) bool { return strings.Count(text, part) == 1 }
