package scaler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// GetMetricSpec returns the metric's name and target. It asks nobody: it fails
// for invalid metadata only, because KEDA makes no HPA without it.
func (s *Server) GetMetricSpec(_ context.Context, ref *pb.ScaledObjectRef) (*pb.GetMetricSpecResponse, error) {
	e := s.registry.get(ref)
	if e.err != nil {
		return nil, s.fail(e, e.err)
	}
	return e.spec, nil
}

// GetMetrics returns the metric's value, exactly one, or an error where the lag
// is not known. It pins the decision for the IsActive that follows.
func (s *Server) GetMetrics(ctx context.Context, req *pb.GetMetricsRequest) (*pb.GetMetricsResponse, error) {
	e := s.registry.get(req.GetScaledObjectRef())
	if e.err != nil {
		return nil, s.fail(e, e.err)
	}
	asked := req.GetMetricName()
	if err := e.checkName(asked); err != nil {
		return nil, s.fail(e, err)
	}
	read, err := s.read(ctx, e)
	if err != nil {
		return nil, s.failToDecide(e, err)
	}
	ev := s.measure(e, read)
	if ev.err != nil {
		return nil, s.fail(e, ev.err)
	}
	s.succeed(e)
	if asked != "" && asked != e.trigger.MetricName {
		return metricsResponse(asked, ev.decision), nil
	}
	return ev.response, nil
}

// IsActive says whether the workload should run at all, from the decision that
// GetMetrics pinned or else from the present snapshot. Lag that is known is enough for
// true, whatever else is not.
func (s *Server) IsActive(ctx context.Context, ref *pb.ScaledObjectRef) (*pb.IsActiveResponse, error) {
	e := s.registry.get(ref)
	if e.err != nil {
		return nil, s.fail(e, e.err)
	}
	cluster, err := s.clusters.Resolve(e.namespace, e.trigger.Connection)
	if err != nil {
		return nil, s.failToDecide(e, err)
	}
	ev := e.takePinned(cluster)
	if ev == nil {
		read, err := s.readFrom(ctx, cluster, e)
		if err != nil {
			return nil, s.failToDecide(e, err)
		}
		ev = s.current(e, read)
	}
	active, known := ev.active()
	if !known {
		return nil, s.fail(e, ev.err)
	}
	// Where there is no value, GetMetrics goes on failing.
	if ev.err == nil {
		s.succeed(e)
	}
	return &pb.IsActiveResponse{Result: active}, nil
}

// checkName accepts the metric's own name, with KEDA's sN- prefix too, and none.
func (e *entry) checkName(asked string) error {
	own := e.trigger.MetricName
	if asked == "" || asked == own || withoutIndex(asked) == own {
		return nil
	}
	return &fault.Error{
		Kind:   fault.Invalid,
		Op:     "get",
		Object: fmt.Sprintf("metric %q of %s/%s", asked, e.namespace, e.name),
		Err:    fmt.Errorf("this trigger's metric is %q", own),
		Remedy: "ask for the name that GetMetricSpec returns",
	}
}

// withoutIndex cuts the s<trigger index>- that KEDA puts before a metric's name.
func withoutIndex(name string) string {
	digits, rest, found := strings.Cut(strings.TrimPrefix(name, "s"), "-")
	if !found || name[0] != 's' || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return name
	}
	return rest
}

// failToDecide is fail for a trigger of which there is no snapshot at all.
func (s *Server) failToDecide(e *entry, err error) error {
	e.forget()
	e.series.decided(policy.Decision{Target: e.trigger.Policy.Target(), Unit: e.trigger.Policy.Unit(), Err: err}, time.Now())
	return s.fail(e, err)
}

// fail turns err into the caller's status, and logs it if it is not what this
// trigger said last: KEDA repeats a failing call several times a minute.
func (s *Server) fail(e *entry, err error) error {
	// A caller who went away says nothing about the trigger.
	if errors.Is(err, context.Canceled) {
		return statusOf(err)
	}
	if failure := e.noteFailure(err, time.Now()); failure != nil {
		s.log.Warn("no answer for trigger", e.field(), zap.String("kind", failure.kind.String()), zap.String("error", failure.text))
	}
	return statusOf(err)
}

// logAgainAfter is how long a failure whose text alone changes, such as by the age in it, is not logged again.
const logAgainAfter = time.Minute

// loggedFailure is a failure of a trigger as it was logged.
type loggedFailure struct {
	kind fault.Kind
	text string
	at   time.Time
}

// noteFailure returns the failure if it is worth a line in the log, and nil if the last line still says it.
func (e *entry) noteFailure(err error, now time.Time) *loggedFailure {
	next := &loggedFailure{kind: fault.KindOf(err), text: messageOf(err), at: now}
	e.mu.Lock()
	defer e.mu.Unlock()
	if last := e.failing; last != nil && last.kind == next.kind && (last.text == next.text || now.Sub(last.at) < logAgainAfter) {
		return nil
	}
	e.failing = next
	return next
}

func (s *Server) succeed(e *entry) {
	e.mu.Lock()
	failed := e.failing != nil
	e.failing = nil
	e.mu.Unlock()
	if failed {
		s.log.Info("trigger answers again", e.field())
	}
}

func (e *entry) field() zap.Field {
	return zap.Dict("scaledObject",
		zap.String("namespace", e.namespace), zap.String("name", e.name), zap.String("metric", e.metric()))
}
