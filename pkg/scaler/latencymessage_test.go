package scaler

import (
	"errors"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func TestLatencyMessage(t *testing.T) {
	tr := &trigger.Trigger{Latency: &trigger.Latency{Advise: true}}
	if m := latencyMessage(tr, &scaledobject.Evaluation{}); m != nil {
		t.Errorf("got %v where no planner is", m)
	}
	m := latencyMessage(tr, &scaledobject.Evaluation{
		LatencyErr: errors.New("broker says \x1b"),
		Latency: &latency.Decision{
			At: time.Unix(15, 0), Replicas: 4, Current: 3, Limit: latency.RuleStuck, InTime: 0.5, Quantile: 0.9,
			Service:  latency.Rate{PerSecond: 40, Source: latency.Learned},
			Steps:    []latency.Step{{Rule: latency.RuleScaleUp, Before: 3, After: 4, Reason: "why"}},
			Forecast: []latency.Forecast{{Ahead: time.Minute, Expected: 1, High: 2}},
			Sizes:    []latency.Size{{Replicas: 4, Worst: time.Second, InTime: 1, ReplicaHours: 4, Why: "why"}},
		},
	})
	if m.GetReplicas() != 4 || m.GetCurrent() != 3 || !m.GetAdvice() || m.GetLimit() != "stuck_consumers" || m.GetError() != `broker says \x1b` ||
		m.GetServiceRate() != 40 || m.GetServiceRateSource() != "learned" || len(m.GetSteps()) != 1 || m.GetForecasts()[0].GetHigh() != 2 ||
		m.GetSizes()[0].GetWorst().AsDuration() != time.Second || m.GetDecidedAt().AsTime().Unix() != 15 {
		t.Errorf("got %v", m)
	}
}

// TestExplainLatency: an explanation of a trigger that KEDA asks about has the planner's decision, or why there is none.
func TestExplainLatency(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(3)
	s := newTestServer(t, Options{Clusters: kafka})
	object := ref("worker", "targetLatency", "30s", "latencyMode", "advise")
	if _, err := s.GetMetricSpec(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	x := explain(t, s, object)
	if l := x.GetLatency(); !l.GetAdvice() || l.GetError() == "" || l.GetReplicas() != 0 || x.GetDecision().GetValue() != 3 {
		t.Errorf("got %v", x)
	}
}
