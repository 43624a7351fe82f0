package explanation

import (
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/terminal"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// latency shows what the planner of targetLatency decided: what arrives, what a replica does, and the sizes.
func (p *printer) latency(e *kafkascalerv1.Explanation) {
	d := e.GetLatency()
	if d == nil {
		return
	}
	switch {
	case d.GetError() != "":
		p.Linef("targetLatency has no number: %s.", d.GetError())
	case d.GetAdvice():
		p.Linef("targetLatency would ask for %s; latencyMode is advise, so the metric does not follow.", fault.Count(d.GetReplicas(), "replica"))
	default:
		p.Linef("targetLatency asks for %s.", fault.Count(d.GetReplicas(), "replica"))
	}
	if d.GetDecidedAt() == nil {
		p.Linef("")
		return // nothing is known yet
	}
	for _, f := range d.GetForecasts() {
		when := "now"
		if ahead := f.GetAhead().AsDuration(); ahead > 0 {
			when = "in " + ahead.String()
		}
		p.Linef("  arrivals %-8s %.4g records a second; no more than %.4g in %g %% of cases", when, f.GetExpected(), f.GetHigh(), 100*d.GetQuantile())
	}
	p.Linef("  a busy replica consumes %.4g records a second (%s), starts in %s (%s)", d.GetServiceRate(), d.GetServiceRateSource(),
		d.GetStartupDelay().AsDuration().Round(time.Second), d.GetStartupDelaySource())
	p.Linef("  a change stops consumers for %s (%s); in time so far: %.2f %%\n",
		d.GetRebalancePause().AsDuration().Round(time.Second), d.GetRebalancePauseSource(), 100*d.GetInTime())
	if len(d.GetSizes()) > 0 {
		p.table(func(t *terminal.Table) { sizes(t, d) })
	}
	if d.GetAdvice() {
		p.table(func(t *terminal.Table) {
			t.Row("RULE", "BEFORE", "AFTER", "WHY")
			for _, s := range d.GetSteps() {
				t.Row(s.GetRule(), fmt.Sprint(s.GetBefore()), fmt.Sprint(s.GetAfter()), s.GetReason())
			}
		})
	}
}

func sizes(t *terminal.Table, d *kafkascalerv1.LatencyDecision) {
	t.Row("REPLICAS", "WORST LATENCY", "IN TIME", "REPLICA-HOURS", "WHY")
	for _, s := range d.GetSizes() {
		t.Row(fmt.Sprint(s.GetReplicas()), s.GetWorst().AsDuration().Round(time.Second).String(),
			fmt.Sprintf("%.2f %%", 100*s.GetInTime()), fmt.Sprintf("%.2f", s.GetReplicaHours()), s.GetWhy())
	}
}
