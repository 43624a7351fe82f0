package kedaloop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
)

// answer is what one evaluation learnt.
type answer struct {
	value, target float64
	active        bool
}

// evaluate makes the calls of one evaluation, in KEDA's order and one after the other:
// GetMetricsAndActivity in its pkg/scalers/external_scaler.go.
func (l *Loop) evaluate(ctx context.Context) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Spec.CallTimeout)
	defer cancel()
	specs, err := l.Client.GetMetricSpec(ctx, l.Ref)
	if err != nil {
		return answer{}, fmt.Errorf("GetMetricSpec: %w", err)
	}
	spec, err := l.reconcile(specs.GetMetricSpecs())
	if err != nil {
		return answer{}, err
	}
	a := answer{target: targetOf(spec)}
	metrics, err := l.Client.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: l.Ref, MetricName: spec.GetMetricName()})
	if err != nil {
		return a, fmt.Errorf("GetMetrics: %w", err)
	}
	for _, v := range metrics.GetMetricValues() {
		a.value += valueOf(v)
	}
	active, err := l.Client.IsActive(ctx, l.Ref)
	if err != nil {
		return a, fmt.Errorf("IsActive: %w", err)
	}
	a.active = active.GetResult()
	return a, nil
}

// reconcile keeps the first spec for good: the HPA is made from it, and KEDA does not follow a target
// that changes later unless it is streamed (KEDA issue 5706).
func (l *Loop) reconcile(specs []*pb.MetricSpec) (*pb.MetricSpec, error) {
	if len(specs) != 1 || targetOf(specs[0]) <= 0 {
		return nil, errOneMetric
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spec == nil {
		l.spec = specs[0]
	}
	return l.spec, nil
}

func targetOf(s *pb.MetricSpec) float64 {
	if f := s.GetTargetSizeFloat(); f > 0 {
		return f
	}
	return float64(s.GetTargetSize())
}

// valueOf takes the float where it is above 0. KEDA makes a negative value 0 since 2.20.2.
func valueOf(v *pb.MetricValue) float64 {
	if f := v.GetMetricValueFloat(); f > 0 {
		return f
	}
	return max(0, float64(v.GetMetricValue()))
}

// The pauses of KEDA between two streams: they double, and only a stream that the server ends without
// an error makes them short again.
const (
	firstPause   = 2 * time.Second
	longestPause = time.Minute
)

func (l *Loop) push(ctx context.Context) {
	pause := firstPause
	for {
		if err := l.stream(ctx); errors.Is(err, io.EOF) {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

func (l *Loop) stream(ctx context.Context) error {
	stream, err := l.Client.StreamIsActive(ctx, l.Ref)
	if err != nil {
		return err
	}
	for {
		resp, err := stream.Recv()
		if err != nil {
			return err
		}
		l.pushed(resp.GetResult())
	}
}

// pushed does nothing before the first poll: KEDA drops what is pushed before it knows the
// ScaledObject's metric names.
func (l *Loop) pushed(active bool) {
	if _, target := l.current(); target == 0 {
		return
	}
	l.keda.Lock()
	defer l.keda.Unlock()
	l.apply(ActorPush, answer{active: active}, nil, func(now time.Time, current int64) Move {
		return l.memory.Push(now, current, active)
	})
}
