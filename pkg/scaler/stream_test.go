package scaler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
)

// recorder is a stream that notes what is sent, and when.
type recorder[T any] struct {
	grpc.ServerStream
	ctx   context.Context
	start time.Time
	show  func(*T) string
	// told, where set, gets what is sent too.
	told chan<- string

	mu   sync.Mutex
	sent []string
}

func (r *recorder[T]) Context() context.Context { return r.ctx }

func (r *recorder[T]) Send(m *T) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, fmt.Sprintf("%v %s", time.Since(r.start).Round(time.Second), r.show(m)))
	if r.told != nil {
		r.told <- r.show(m)
	}
	return nil
}

func (r *recorder[T]) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.sent = nil }()
	return r.sent
}

// activity runs StreamIsActive in a bubble of synthetic time.
type activity struct {
	t      *testing.T
	kafka  *fakeKafka
	stream *recorder[pb.IsActiveResponse]
	close  context.CancelFunc
	ended  chan error
}

func openActivity(t *testing.T, kafka *fakeKafka, object *pb.ScaledObjectRef) *activity {
	a := openActivityOn(t, kafka, object)
	a.kafka = kafka
	return a
}

func openActivityOn(t *testing.T, clusters scaledobject.Clusters, object *pb.ScaledObjectRef) *activity {
	return openActivityOf(t, newTestServer(t, Options{Clusters: clusters}), object)
}

func openActivityOf(t *testing.T, s *Server, object *pb.ScaledObjectRef) *activity {
	ctx, cancel := context.WithCancel(t.Context())
	a := &activity{t: t, close: cancel, ended: make(chan error, 1)}
	a.stream = &recorder[pb.IsActiveResponse]{ctx: ctx, start: time.Now(), show: func(m *pb.IsActiveResponse) string { return strconv.FormatBool(m.GetResult()) }}
	go func() { a.ended <- s.StreamIsActive(object, a.stream) }()
	synctest.Wait()
	return a
}

// after lets d pass, with a snapshot of the given lag every second, and compares what was sent meanwhile.
func (a *activity) after(d time.Duration, lag int64, want ...string) {
	a.t.Helper()
	for range int(d / time.Second) {
		a.kafka.lags(lag)
		time.Sleep(time.Second)
	}
	synctest.Wait()
	if got := a.stream.take(); !slices.Equal(got, want) {
		a.t.Errorf("sent %q, want %q", got, want)
	}
}

func (a *activity) end(want codes.Code) {
	a.t.Helper()
	a.close()
	if err := <-a.ended; status.Code(err) != want {
		a.t.Errorf("stream ended with %v, want %v", err, want)
	}
}

func TestStreamIsActiveEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := openActivity(t, newFakeKafka(), ref("worker"))
		a.after(5*time.Second, 0)
		a.after(5*time.Second, 3, "5s true")
		a.after(10*time.Second, 4, "15s true") // KEDA may have dropped the first
		a.after(5*time.Second, 0, "20s false")
		a.after(time.Minute, 0)
		a.after(time.Second, 1, "1m25s true")
		a.end(codes.Canceled)
	})
}

func TestStreamIsActiveWaitsForRecordsWhileInactive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka()
		a := openActivity(t, kafka, ref("worker"))
		for _, step := range []struct {
			lag, awaited int
		}{{0, 1}, {3, 0}, {4, 0}, {0, 1}, {1, 0}} {
			kafka.lags(int64(step.lag))
			synctest.Wait()
			if got := kafka.awaited(); got != step.awaited {
				t.Errorf("with a lag of %d, records are awaited %d times, want %d", step.lag, got, step.awaited)
			}
		}
		a.end(codes.Canceled)
		if got := kafka.awaited(); got != 0 {
			t.Errorf("records are awaited %d times after the stream has ended", got)
		}
	})
}

func TestStreamIsActiveOpensOnAnActiveTrigger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka()
		kafka.lags(3)
		a := openActivity(t, kafka, ref("worker"))
		a.after(time.Second, 3, "0s true")
		a.after(11*time.Minute, 3, "10s true", "5m10s true", "10m10s true")
		a.end(codes.Canceled)
	})
}

// TestStreamIsActiveHoldsTheLastKnownTrue: KEDA, which sees its calls fail, must not
// find the last true to be longer ago than cooldownPeriod.
func TestStreamIsActiveHoldsTheLastKnownTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka()
		a := openActivity(t, kafka, ref("worker"))
		a.after(time.Second, 3, "0s true")
		a.after(20*time.Second, 3, "10s true")
		kafka.fail(&fault.Error{Kind: fault.Unavailable, Op: "dial"})
		time.Sleep(2*time.Minute + time.Second/2) // between two of the stream's attempts
		synctest.Wait()
		if got := a.stream.take(); !slices.Equal(got, []string{"50s true", "1m20s true", "1m50s true", "2m20s true"}) {
			t.Errorf("sent %q while the cluster was down", got)
		}
		a.after(5*time.Second, 0, "2m22s false")
		a.end(codes.Canceled)
	})
}

func TestStreamIsActiveKeepsSilentWhereTheLastKnownIsInactive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka()
		a := openActivity(t, kafka, ref("worker"))
		a.after(time.Second, 3, "0s true")
		a.after(time.Second, 0, "1s false")
		kafka.fail(&fault.Error{Kind: fault.Unavailable, Op: "dial"})
		time.Sleep(20*time.Minute + time.Second/2)
		synctest.Wait()
		if got := a.stream.take(); len(got) != 0 {
			t.Errorf("sent %q while the cluster was down", got)
		}
		a.after(5*time.Second, 3, "20m3s true")
		a.end(codes.Canceled)
	})
}

// TestStreamIsActiveHoldsWhatAnEarlierCallSaw: KEDA opens its streams again every half hour, and when it restarts.
func TestStreamIsActiveHoldsWhatAnEarlierCallSaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka()
		kafka.lags(3)
		s := newTestServer(t, Options{Clusters: kafka})
		if active, err := s.IsActive(t.Context(), ref("worker")); err != nil || !active.GetResult() {
			t.Fatalf("active %v, %v; want true", active, err)
		}
		kafka.fail(&fault.Error{Kind: fault.Unavailable, Op: "dial"})
		a := openActivityOf(t, s, ref("worker"))
		time.Sleep(40*time.Second + time.Second/2)
		synctest.Wait()
		if got := a.stream.take(); !slices.Equal(got, []string{"1s true", "31s true"}) {
			t.Errorf("sent %q", got)
		}
		a.end(codes.Canceled)
	})
}

// TestStreamIsActiveTakesKnownLagForProof: one partition that cannot be read keeps no workload asleep.
func TestStreamIsActiveTakesKnownLagForProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka()
		kafka.lags(0, 0)
		a := openActivity(t, kafka, ref("worker"))
		a.after(time.Second, 0)
		partly := func(lags ...int64) {
			kafka.set(func() {
				kafka.snapshot = snapshotOf(lags...)
				kafka.snapshot.Offsets[1].LogEnd = -1
			})
			time.Sleep(time.Second)
			synctest.Wait()
		}
		partly(5, 0)
		if got := a.stream.take(); !slices.Equal(got, []string{"1s true"}) {
			t.Errorf("sent %q, want true at once", got)
		}
		partly(0, 0) // not known any more: the last true stands
		if got := a.stream.take(); len(got) != 0 {
			t.Errorf("sent %q where nothing is known", got)
		}
		a.after(time.Second, 0, "3s false")
		a.end(codes.Canceled)
	})
}

// TestStreamIsActiveGivesWay: KEDA opens it again after a clean end, and waits after an error.
func TestStreamIsActiveGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka()
		kafka.lags(0)
		s := newTestServer(t, Options{Clusters: kafka})
		var all []*activity
		for range scaledobject.StreamsPerTrigger + 1 {
			all = append(all, openActivityOf(t, s, ref("worker")))
		}
		select {
		case err := <-all[0].ended:
			if err != nil {
				t.Errorf("the oldest ended with %v, want a clean end", err)
			}
		default:
			t.Fatal("the oldest is still open")
		}
		kafka.lags(3)
		synctest.Wait()
		for _, a := range all[1:] {
			if got := a.stream.take(); !slices.Equal(got, []string{"0s true"}) {
				t.Errorf("sent %q", got)
			}
			a.end(codes.Canceled)
		}
	})
}

func TestStreamIsActiveWaitsForAClusterThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka()
		kafka.fail(&fault.Error{Kind: fault.Unavailable, Op: "dial"})
		a := openActivity(t, kafka, ref("worker"))
		time.Sleep(time.Hour + time.Second/2) // between two of the stream's attempts
		a.after(2*time.Second, 3, "1h0m1s true")
		a.end(codes.Canceled)
	})
}

// TestStreamIsActiveAges: a snapshot that nothing replaces ceases to be an answer.
func TestStreamIsActiveAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka()
		kafka.lags(3)
		a := openActivity(t, kafka, ref("worker", "maxSnapshotAge", "12s"))
		time.Sleep(80 * time.Second)
		synctest.Wait()
		// Looked at again 30 s after there was something to say: not known any more then, and held.
		if got := a.stream.take(); !slices.Equal(got, []string{"0s true", "10s true", "40s true", "1m10s true"}) {
			t.Errorf("sent %q", got)
		}
		a.end(codes.Canceled)
	})
}

func TestStreamIsActiveEndsWhereNothingWillCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := openActivity(t, newFakeKafka(), ref("worker", "lagThreshold", "x"))
		if err := <-a.ended; status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "lagThreshold") {
			t.Errorf("invalid metadata: %v", err)
		}
		kafka := newFakeKafka()
		kafka.lags(0)
		a = openActivity(t, kafka, ref("worker"))
		kafka.set(func() {
			kafka.unknown = &fault.Error{Kind: fault.NotFound, Op: "find", Object: `cluster "main"`, Err: errors.New("not configured")}
		})
		if err := <-a.ended; status.Code(err) != codes.NotFound {
			t.Errorf("cluster taken out of the configuration: %v", err)
		}
	})
}

func TestStreamMetricSpec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t, Options{Clusters: newFakeKafka()})
		ctx, cancel := context.WithCancel(t.Context())
		stream := &recorder[pb.GetMetricSpecResponse]{ctx: ctx, start: time.Now(), show: func(m *pb.GetMetricSpecResponse) string {
			return fmt.Sprint(m.GetMetricSpecs()[0].GetMetricName(), " ", m.GetMetricSpecs()[0].GetTargetSizeFloat())
		}}
		ended := make(chan error, 1)
		go func() { ended <- s.StreamMetricSpec(ref("worker"), stream) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := stream.take(); !slices.Equal(got, []string{"0s kafka-orders 10"}) {
			t.Errorf("sent %q", got)
		}
		cancel()
		if err := <-ended; status.Code(err) != codes.Canceled {
			t.Error(err)
		}
		if err := s.StreamMetricSpec(ref("worker", "topick", "x"), stream); status.Code(err) != codes.InvalidArgument {
			t.Errorf("invalid metadata: %v", err)
		}
	})
}

// TestStreamLifetime: a stream ends cleanly before its connection's grace is over.
func TestStreamLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka()
		kafka.lags(0)
		s := newTestServer(t, Options{Clusters: kafka})
		start := time.Now()
		stream := &recorder[pb.IsActiveResponse]{ctx: t.Context(), start: start}
		err := s.boundStream(s, stream, nil, func(_ any, ss grpc.ServerStream) error {
			return s.StreamIsActive(ref("worker"), &bounded{recorder: stream, ctx: ss.Context()})
		})
		if err != nil {
			t.Errorf("ended with %v, want a clean end", err)
		}
		if lived := time.Since(start); lived < streamLifetime*9/10 || lived > streamLifetime*11/10 || lived >= maxConnectionAgeGrace {
			t.Errorf("lived %v", lived)
		}
	})
}

// bounded is a recorder under the context that boundStream made.
type bounded struct {
	*recorder[pb.IsActiveResponse]
	ctx context.Context
}

func (b *bounded) Context() context.Context { return b.ctx }
