package kedaloop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scaler answers from its fields, and writes down what it was asked.
type scaler struct {
	mu     sync.Mutex
	value  int64
	float  float64
	target int64
	err    error
	calls  []string
	pushes chan bool // nil: the stream fails
}

func (s *scaler) set(change func(*scaler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *scaler) called(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, name)
	if name != "GetMetricSpec" {
		return s.err
	}
	return nil
}

func (s *scaler) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

func (s *scaler) GetMetricSpec(context.Context, *pb.ScaledObjectRef, ...grpc.CallOption) (*pb.GetMetricSpecResponse, error) {
	err := s.called("GetMetricSpec")
	s.mu.Lock()
	defer s.mu.Unlock()
	return &pb.GetMetricSpecResponse{MetricSpecs: []*pb.MetricSpec{{MetricName: "kafka-orders", TargetSize: s.target}}}, err
}

func (s *scaler) GetMetrics(_ context.Context, in *pb.GetMetricsRequest, _ ...grpc.CallOption) (*pb.GetMetricsResponse, error) {
	err := s.called("GetMetrics " + in.GetMetricName())
	s.mu.Lock()
	defer s.mu.Unlock()
	return &pb.GetMetricsResponse{MetricValues: []*pb.MetricValue{{MetricValue: s.value, MetricValueFloat: s.float}}}, err
}

func (s *scaler) IsActive(context.Context, *pb.ScaledObjectRef, ...grpc.CallOption) (*pb.IsActiveResponse, error) {
	err := s.called("IsActive")
	s.mu.Lock()
	defer s.mu.Unlock()
	return &pb.IsActiveResponse{Result: s.value > 0}, err
}

func (s *scaler) StreamMetricSpec(context.Context, *pb.ScaledObjectRef, ...grpc.CallOption) (grpc.ServerStreamingClient[pb.GetMetricSpecResponse], error) {
	return nil, errors.New("not asked for")
}

func (s *scaler) StreamIsActive(ctx context.Context, _ *pb.ScaledObjectRef, _ ...grpc.CallOption) (grpc.ServerStreamingClient[pb.IsActiveResponse], error) {
	if err := s.called("StreamIsActive"); err != nil {
		return nil, err
	}
	return &pushes{ctx: ctx, values: s.pushes}, nil
}

type pushes struct {
	grpc.ClientStream
	ctx    context.Context
	values chan bool
}

func (p *pushes) Recv() (*pb.IsActiveResponse, error) {
	select {
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	case v, open := <-p.values:
		if !open {
			return nil, io.EOF
		}
		return &pb.IsActiveResponse{Result: v}, nil
	}
}

// workload needs no lock: the loop has one around it.
type workload struct{ replicas int64 }

func (w *workload) Replicas() int64      { return w.replicas }
func (w *workload) Scale(replicas int64) { w.replicas = replicas }

// started runs a loop in the bubble until the test is over, and returns what it says of moves.
func started(t *testing.T, s *scaler, spec kedaloop.Spec) (moves func() []string) {
	t.Helper()
	var mu sync.Mutex
	var seen []string
	begin := time.Now()
	loop := &kedaloop.Loop{
		Spec: spec, Client: s, Ref: &pb.ScaledObjectRef{Name: "orders"}, Workload: &workload{},
		Observe: func(e kedaloop.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.To != e.From || e.Err != nil {
				seen = append(seen, fmt.Sprintf("%s %s %d->%d", e.At.Sub(begin), e.Actor, e.From, e.To))
			}
		},
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { loop.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		out := seen
		seen = nil
		return out
	}
}

func want(t *testing.T, got []string, lines ...string) {
	t.Helper()
	if d := cmp.Diff(lines, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// A whole day of a workload at the real periods: asleep, woken by a poll, grown by the HPA up to
// the maximum, held by stabilisation, and put to sleep by the cooldown.
func TestLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spec := kedaloop.DefaultSpec()
		spec.MaxReplicas = 6
		s := &scaler{target: 10}
		moves := started(t, s, spec)

		time.Sleep(40 * time.Second)
		want(t, moves())
		s.set(func(s *scaler) { s.value = 500 })
		time.Sleep(60 * time.Second)
		want(t, moves(), "1m0s KEDA 0->1", "1m7.5s HPA 1->4", "1m22.5s HPA 4->6")
		s.set(func(s *scaler) { s.value = 0 })
		time.Sleep(1000 * time.Second)
		// The HPA last asked for 6 at 97.5 s, and the last active poll was at 90 s: both windows are 300 s.
		want(t, moves(), "6m52.5s HPA 6->1", "7m0s KEDA 1->0")
	})
}

// At zero only KEDA asks; awake, the HPA asks too. Each evaluation is three calls.
func TestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scaler{target: 10}
		started(t, s, kedaloop.DefaultSpec())
		evaluation := []string{"GetMetricSpec", "GetMetrics kafka-orders", "IsActive"}
		time.Sleep(29 * time.Second)
		want(t, s.taken(), evaluation...)
		s.set(func(s *scaler) { s.value = 5 })
		time.Sleep(10 * time.Second) // 30s: the poll wakes it
		s.taken()
		time.Sleep(14 * time.Second) // 52.5s: the HPA alone
		want(t, s.taken(), evaluation...)
	})
}

// A failing call is asked again at once by KEDA, and leaves the replicas alone, at zero and above.
func TestErrorsMoveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broker unreachable")
		s := &scaler{target: 10, value: 30, err: broken}
		moves := started(t, s, kedaloop.DefaultSpec())
		time.Sleep(time.Second)
		want(t, moves(), "0s KEDA 0->0")
		if got := strings.Count(strings.Join(s.taken(), " "), "GetMetrics"); got != 2 {
			t.Errorf("GetMetrics was called %d times, want 2", got)
		}
		s.set(func(s *scaler) { s.err = nil })
		time.Sleep(50 * time.Second)
		if got := moves(); len(got) != 2 {
			t.Fatalf("got %v, want a start and a growth", got)
		}
		s.set(func(s *scaler) { s.err = broken })
		time.Sleep(time.Hour)
		for _, m := range moves() {
			if !strings.HasSuffix(m, "3->3") {
				t.Errorf("moved on an error: %s", m)
			}
		}
	})
}

// Push wakes at once, between two polls, once KEDA knows the metric. A stream that ends is opened again.
func TestPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spec := kedaloop.DefaultSpec()
		spec.Push = true
		s := &scaler{target: 10, pushes: make(chan bool)}
		moves := started(t, s, spec)
		time.Sleep(7 * time.Second)
		s.pushes <- false
		s.pushes <- true
		want(t, moves(), "7s KEDA (push) 0->1")
		close(s.pushes)
		s.taken()
		time.Sleep(3 * time.Second)
		if got := s.taken(); !slices.Contains(got, "StreamIsActive") {
			t.Errorf("after the end of the stream: %v", got)
		}
	})
}

// The float counts where it is above 0, and the target stays what it was when the HPA was made.
func TestFloatsAndTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scaler{target: 10, value: 1, float: 20.5}
		moves := started(t, s, kedaloop.DefaultSpec())
		time.Sleep(20 * time.Second)
		want(t, moves(), "0s KEDA 0->1", "7.5s HPA 1->3")
		s.set(func(s *scaler) { s.target = 1 })
		time.Sleep(time.Minute)
		want(t, moves())
	})
}

// A scaler without exactly one metric gives no HPA, and an error.
func TestNoTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scaler{value: 100}
		moves := started(t, s, kedaloop.DefaultSpec())
		time.Sleep(time.Minute - time.Second)
		want(t, moves(), "0s KEDA 0->0", "30s KEDA 0->0")
	})
}

func TestFaster(t *testing.T) {
	b := kedaloop.DefaultBehavior()
	spec := kedaloop.DefaultSpec()
	spec.Behavior = &b
	fast := spec.Faster(15)
	if fast.PollingInterval != 2*time.Second || fast.SyncPeriod != time.Second || fast.CooldownPeriod != 20*time.Second ||
		fast.Behavior.ScaleDown.StabilizationWindow != 20*time.Second || fast.Behavior.ScaleUp.Policies[1].Period != time.Second {
		t.Errorf("got %+v %+v", fast, fast.Behavior)
	}
	if b.ScaleUp.Policies[1].Period != 15*time.Second || fast.CallTimeout != spec.CallTimeout {
		t.Error("Faster changed what it must not")
	}
}
