package explanation

import (
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/internal/terminal"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// verdict says what KEDA is told, and what follows from it for the workload.
func (p *printer) verdict(e *kafkascalerv1.Explanation) {
	d := e.GetDecision()
	state := "active"
	if !d.GetActive() {
		state = "inactive: " + p.subject.whenInactive()
	}
	p.Linef("KEDA is told: metric %d%s, target %d%s, %s.", d.GetValue(), unit(d), d.GetTarget(), unit(d), state)
	if p.subject.kind() == manifest.ScaledJob {
		if d.GetActive() {
			p.jobs(d)
			p.leftOut()
		}
		return
	}
	if !p.subject.formula() {
		p.Linef("%s.", p.subject.aim(d))
	}
	p.leftOut()
	if len(e.GetHorizontal()) > 0 {
		p.Linef("What it does depends on how many it has:\n")
		p.outcomes(e.GetHorizontal())
	}
}

func (p *printer) leftOut() {
	for _, sentence := range p.subject.leftOut() {
		p.Linef("%s", sentence)
	}
}

// whenInactive is what KEDA does with the workload while the trigger is inactive.
func (s *Subject) whenInactive() string {
	var does string
	switch w := s.Workload; {
	case w == nil:
		return "KEDA may scale to zero, where minReplicaCount is 0 and no other trigger is active"
	case w.Kind == manifest.ScaledJob:
		return "no job is started for it"
	case s.formula():
		return "whether the workload is active, the formula of advanced.scalingModifiers decides"
	case w.IdleReplicas != nil:
		does = fmt.Sprintf("KEDA may scale to idleReplicaCount %d", *w.IdleReplicas)
	case w.Min() > 0:
		return fmt.Sprintf("KEDA does not scale to zero, since minReplicaCount is %d", w.Min())
	default:
		does = "KEDA may scale to zero"
	}
	if s.others() > 0 {
		does += ", where no other trigger is active"
	}
	return does
}

// failed says what follows where the lag is not known.
func (p *printer) failed(e *kafkascalerv1.Explanation) {
	does := "KEDA leaves the replicas as they are"
	switch w := p.subject.Workload; {
	case w == nil:
		does += ", but for a fallback"
	case w.Kind == manifest.ScaledJob:
		does = "KEDA starts no job for it"
	case w.Fallback:
		does += " until the fallback takes over"
	}
	told := "KEDA is told nothing: the call fails, and " + does + "."
	if p.subject.others() > 0 {
		told += " " + p.subject.among() + "."
	}
	known := e.GetKnownActivation()
	if known != nil {
		p.steps(&kafkascalerv1.Decision{Active: true, Steps: []*kafkascalerv1.Step{known}})
	}
	p.Linef("%s\n  %s", told, e.GetError())
	if known != nil && p.subject.kind() != manifest.ScaledJob {
		p.Linef("What is known is proof enough that the trigger is active. KEDA asks for no activity after a call that fails: only the stream of a trigger of type external-push wakes a workload that sleeps.")
	}
}

// aim is what the HPA would have, before its tolerance.
func (s *Subject) aim(d *kafkascalerv1.Decision) string {
	if s.Trigger.MetricType == "Value" {
		return fmt.Sprintf("The HPA multiplies the replicas that are ready by %d / %d (metricType Value)", d.GetValue(), d.GetTarget())
	}
	aims := fmt.Sprintf("aims for ceil(%d / %d) = %s", d.GetValue(), d.GetTarget(), fault.Count(d.GetReplicas(), "replica"))
	if s.Workload == nil {
		return "The HPA of a ScaledObject " + aims + " (metricType AverageValue, KEDA's default)"
	}
	limit := ""
	switch least, most := s.Workload.Min(), s.Workload.Max(); {
	case d.GetReplicas() > most:
		limit = fmt.Sprintf(", and maxReplicaCount holds it at %d", most)
	case d.GetReplicas() < least:
		limit = fmt.Sprintf(", and minReplicaCount holds it at %d", least)
	case d.GetReplicas() < 1:
		limit = ", and keeps 1"
	}
	return "The HPA " + aims + limit + " (metricType AverageValue)"
}

// jobs says what a ScaledJob starts, as KEDA computes it (pkg/scaling/scaledjob and scale_jobs.go in
// kedacore/keda v2.21.0).
func (p *printer) jobs(d *kafkascalerv1.Decision) {
	if p.subject.Trigger.MetricType == "Value" {
		p.Linef("With metricType Value a ScaledJob starts no job for it: KEDA divides by the target of an AverageValue only.")
		return
	}
	w := p.subject.Workload
	wanted := min(d.GetReplicas(), w.MaxJobs())
	limit := fmt.Sprint("maxReplicaCount ", w.Max())
	if w.MaxJobs() < w.Max() {
		limit += fmt.Sprint(" - minReplicaCount ", w.Min())
	}
	p.Linef("A ScaledJob wants min(ceil(%d / %d), %s) = %s%s.", d.GetValue(), d.GetTarget(), limit, fault.Count(wanted, "job"), p.subject.starts())
}

// starts is what a ScaledJob makes of the jobs that it wants.
func (s *Subject) starts() string {
	onTop := ""
	if least := s.Workload.Min(); least > 0 {
		onTop = fmt.Sprintf(" on top of the %d of minReplicaCount", least)
	}
	if s.customStrategy() {
		return onTop
	}
	return onTop + ", and starts those that are missing"
}

func (p *printer) outcomes(all []*kafkascalerv1.HorizontalOutcome) {
	p.table(func(t *terminal.Table) {
		t.Row("REPLICAS NOW", "THEN", "WHY")
		for _, h := range all {
			t.Row(h.GetCurrentReplicas(), h.GetDesiredReplicas(), h.GetReason())
		}
	})
}
