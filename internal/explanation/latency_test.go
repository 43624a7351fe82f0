package explanation

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

func TestPrintLatency(t *testing.T) {
	d := &kafkascalerv1.LatencyDecision{
		DecidedAt: timestamppb.New(time.Unix(1, 0)), Replicas: 4, Quantile: 0.9, ServiceRate: 40, ServiceRateSource: "learned",
		StartupDelay: durationpb.New(45 * time.Second), StartupDelaySource: "assumed", InTime: 0.9995,
		Forecasts: []*kafkascalerv1.ArrivalForecast{{Expected: 120, High: 130}, {Ahead: durationpb.New(time.Minute), Expected: 125, High: 150}},
		Sizes:     []*kafkascalerv1.ReplicaSize{{Replicas: 4, Worst: durationpb.New(12 * time.Second), InTime: 1, ReplicaHours: 4.1, Why: "the cheapest in time"}},
		Steps:     []*kafkascalerv1.Step{{Rule: "scale_up", Before: 3, After: 4, Reason: "more arrives"}},
	}
	for name, c := range map[string]struct {
		change    func()
		want, not string
	}{
		"scale":     {func() {}, "targetLatency asks for 4 replicas.|in 1m0s|125 records a second; no more than 150 in 90 %|40 records a second (learned), starts in 45s (assumed)|4.10|the cheapest in time", "scale_up"},
		"advise":    {func() { d.Advice = true }, "would ask for 4 replicas; latencyMode is advise|scale_up", ""},
		"on hold":   {func() { d.Error = "the group was last seen long ago" }, "targetLatency has no number: the group was last seen long ago.", "asks for"},
		"no number": {func() { d.Error, d.DecidedAt = "no decision yet", nil }, "has no number: no decision yet.", "arrivals"},
	} {
		d.Advice, d.Error, d.DecidedAt = false, "", timestamppb.New(time.Unix(1, 0))
		c.change()
		var out strings.Builder
		if err := Print(&out, &kafkascalerv1.Explanation{Name: "worker", Latency: d, Decision: &kafkascalerv1.Decision{Target: 1000, Unit: "millireplicas"}}, Subject{}); err != nil {
			t.Fatal(err)
		}
		for want := range strings.SplitSeq(c.want, "|") {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %q is not in\n%s", name, want, out.String())
			}
		}
		if c.not != "" && strings.Contains(out.String(), c.not) {
			t.Errorf("%s: %q is in\n%s", name, c.not, out.String())
		}
	}
}
