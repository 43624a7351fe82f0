//go:build realkafka

package acceptance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
)

// edge is what a stream said, and when.
type edge struct {
	active bool
	at     time.Time
}

// sleeper is a stream of StreamIsActive, as KEDA holds it.
type sleeper struct {
	said  chan edge
	last  edge
	close context.CancelFunc
	ended chan error
}

func openStream(ctx context.Context, t *testing.T, p *product, metadata map[string]string) *sleeper {
	t.Helper()
	return openStreamOf(ctx, t, p, t.Name(), metadata)
}

// openStreamOf is openStream for the ScaledObject of that name.
func openStreamOf(ctx context.Context, t *testing.T, p *product, name string, metadata map[string]string) *sleeper {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	stream, err := p.KEDA.StreamIsActive(ctx, &pb.ScaledObjectRef{Namespace: "acceptance", Name: name, ScalerMetadata: metadata})
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

// next returns what the stream says next, and fails the test where it says nothing in time.
func (s *sleeper) next(t *testing.T, d time.Duration) edge {
	t.Helper()
	select {
	case e := <-s.said:
		s.last = e
		return e
	case err := <-s.ended:
		t.Fatalf("the stream has ended: %v", err)
	case <-time.After(d):
		t.Fatalf("the stream says nothing within %v", d)
	}
	return edge{}
}

// within is next where only one answer is right.
func (s *sleeper) within(t *testing.T, d time.Duration, active bool) edge {
	t.Helper()
	e := s.next(t, d)
	if e.active != active {
		t.Fatalf("the stream says %v, want %v", e.active, active)
	}
	return e
}

// falls waits for false. The true before it may be said again until then.
func (s *sleeper) falls(t *testing.T, d time.Duration) {
	t.Helper()
	deadline := time.Now().Add(d)
	for active := true; active; {
		active = s.next(t, time.Until(deadline)).active
	}
}

// silent fails the test where the stream says anything within d, or has said it already.
func (s *sleeper) silent(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case e := <-s.said:
		t.Fatalf("the stream says %v, want silence", e.active)
	default:
	}
	select {
	case e := <-s.said:
		t.Fatalf("the stream says %v, want silence", e.active)
	case err := <-s.ended:
		t.Fatalf("the stream has ended: %v", err)
	case <-time.After(d):
	}
}

// repeatAfter is when KEDA is told once more, in case that it has dropped the first true.
const repeatAfter = 10 * time.Second

// saysOnly fails the test where the stream has said anything else since next, or has said it too often.
func (s *sleeper) saysOnly(t *testing.T, active bool) {
	t.Helper()
	for {
		select {
		case e := <-s.said:
			if e.active != active {
				t.Fatalf("the stream has said %v, want nothing but %v", e.active, active)
			}
			if since := e.at.Sub(s.last.at); since < repeatAfter-time.Second {
				t.Errorf("the stream has said %v twice within %v", active, since)
			}
			s.last = e
		case err := <-s.ended:
			t.Fatalf("the stream has ended: %v", err)
		default:
			return
		}
	}
}

// awaits waits until so many partitions of a cluster are waited on. That a stream
// has gone shows by its connection's keepalive at the latest, and some seconds later.
func (p *product) awaits(t *testing.T, clusterName string, partitions float64) {
	t.Helper()
	series := fmt.Sprintf("kafka_scaler_wait_partitions{cluster=%q}", clusterName)
	var now float64
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if now = p.metrics(t)[series]; now == partitions {
			return
		}
	}
	t.Fatalf("%v partitions are waited on, want %v", now, partitions)
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
	// KEDA may have dropped the first true, so there is one more, and no third, whatever arrives.
	if again := one.within(t, 2*repeatAfter, true); again.at.Sub(first.at) < repeatAfter-time.Second {
		t.Errorf("true was repeated after %v", again.at.Sub(first.at))
	}
	must(t, cluster.Produce(ctx, "wake", 0, 2))
	one.silent(t, time.Second)
	// A stream that opens on work says so at once.
	openStream(ctx, t, p, trigger("wake")).within(t, soon, true)
	// The falling edge comes with the refresh, once.
	must(t, cluster.Commit(ctx, "wake", "wake", map[int32]int64{0: 5, 1: 6, 2: 2}))
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
	const acl = "--operation Read --topic orders"
	checksWaiting(ctx, t, p, "workloads wake at the refresh interval, not at once", acl)
	stream := openStream(ctx, t, p, map[string]string{"cluster": "shared", "consumerGroup": "g", "topic": "orders"})
	stream.silent(t, 3*time.Second)
	must(t, secured.Produce(ctx, "orders", 0, 1))
	stream.within(t, 10*time.Second, true)
	if log := p.process.Tail(100); !containsOnce(log, acl) {
		t.Errorf("the log does not name the ACL once:\n%s", log)
	}
	must(t, secured.AllowTopic(ctx, "User:scaler", "orders", kadm.OpRead))
	checksWaiting(ctx, t, p, "records wake the workload at once")
}

// checksWaiting has the check command look at a trigger for the topic orders, and
// wants the one line about waiting for records to be good and to have all parts.
func checksWaiting(ctx context.Context, t *testing.T, p *product, parts ...string) {
	t.Helper()
	object := filepath.Join(t.TempDir(), "scaledobject.yaml")
	must(t, os.WriteFile(object, []byte("apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: worker}\nspec:\n  triggers:\n"+
		"  - type: external-push\n    metadata: {scalerAddress: here, cluster: shared, consumerGroup: g, topic: orders}\n"), 0o600))
	out, problems, code := runProduct(ctx, t, "check", "--config", p.config, "-f", object)
	const step = "ok    push activation orders: "
	_, line, _ := strings.Cut(out, step)
	line, _, _ = strings.Cut(line, "\n")
	for _, part := range parts {
		if code != 0 || !containsOnce(out, step) || !containsOnce(line, part) {
			t.Errorf("check ends with %d and does not say %q once:\n%s%s", code, part, out, problems)
		}
	}
}

func containsOnce(text, part string) bool { return strings.Count(text, part) == 1 }
