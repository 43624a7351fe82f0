package scaler

import (
	"context"
	"errors"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
)

// GetMetricSpec returns the metric's name and target. It asks nobody: it fails
// for invalid metadata only, because KEDA makes no HPA without it.
func (s *Server) GetMetricSpec(_ context.Context, ref *pb.ScaledObjectRef) (*pb.GetMetricSpecResponse, error) {
	e := s.registry.Get(refOf(ref))
	if err := e.Err(); err != nil {
		return nil, s.fail(e, err)
	}
	return specResponse(e), nil
}

// GetMetrics returns the metric's value, exactly one, or an error where the lag
// is not known. It pins the decision for the IsActive that follows.
func (s *Server) GetMetrics(ctx context.Context, req *pb.GetMetricsRequest) (*pb.GetMetricsResponse, error) {
	e := s.registry.Get(refOf(req.GetScaledObjectRef()))
	if err := e.Err(); err != nil {
		return nil, s.fail(e, err)
	}
	asked := req.GetMetricName()
	if err := e.CheckMetric(asked); err != nil {
		return nil, s.fail(e, err)
	}
	ev, err := s.evaluator.Measure(ctx, e)
	if err != nil {
		return nil, s.fail(e, err)
	}
	s.succeed(e)
	return metricsResponse(e.Trigger().MetricName, asked, ev), nil
}

// IsActive says whether the workload should run at all, from the decision that
// GetMetrics pinned or else from the present snapshot. Lag that is known is enough for
// true, whatever else is not.
func (s *Server) IsActive(ctx context.Context, ref *pb.ScaledObjectRef) (*pb.IsActiveResponse, error) {
	e := s.registry.Get(refOf(ref))
	if err := e.Err(); err != nil {
		return nil, s.fail(e, err)
	}
	ev, err := s.evaluator.Activity(ctx, e)
	if err != nil {
		return nil, s.fail(e, err)
	}
	// Where there is no value, GetMetrics goes on failing.
	if ev.Decision.Err == nil {
		s.succeed(e)
	}
	return &pb.IsActiveResponse{Result: ev.Decision.Active}, nil
}

// fail turns err into the caller's status, and logs it if it is not what this
// trigger said last: KEDA repeats a failing call several times a minute.
func (s *Server) fail(e *scaledobject.Entry, err error) error {
	// A caller who went away says nothing about the trigger.
	if errors.Is(err, context.Canceled) {
		return statusOf(err)
	}
	if kind, text := fault.KindOf(err), messageOf(err); e.Fails(kind, text, time.Now()) {
		s.log.Warn("no answer for trigger", fieldOf(e), zap.String("kind", kind.String()), zap.String("error", text))
	}
	return statusOf(err)
}

func (s *Server) succeed(e *scaledobject.Entry) {
	if e.Succeeds() {
		s.log.Info("trigger answers again", fieldOf(e))
	}
}

func fieldOf(e *scaledobject.Entry) zap.Field {
	return zap.Dict("scaledObject",
		zap.String("namespace", e.Namespace()), zap.String("name", e.Name()), zap.String("metric", e.Metric()))
}
