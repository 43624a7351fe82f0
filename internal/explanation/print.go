// Package explanation shows a decision of the scaler to a person: which lag,
// which rules, which number, and what the HPA makes of it.
package explanation

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// Bounds are what the ScaledObject says of replicas, as far as it is known.
type Bounds struct {
	// Kind is ScaledObject or ScaledJob.
	Kind string
	// Max is maxReplicaCount; 0 for not known.
	Max int64
	// Note is a sentence about the trigger that the reader is to know before the numbers; empty for none.
	Note string
	// MetricType is that of the trigger; AverageValue, KEDA's default, where it is empty.
	MetricType string
}

// Print writes one explanation as text. now is the time to show ages against.
func Print(w io.Writer, e *kafkascalerv1.Explanation, bounds Bounds) error {
	p := printer{w: w}
	p.header(e, bounds)
	p.partitions(e)
	if e.GetError() != "" {
		p.linef("KEDA is told nothing: the call fails, and KEDA leaves the replicas as they are.\n  %s", e.GetError())
		return p.err
	}
	p.steps(e.GetDecision())
	p.verdict(e, bounds)
	return p.err
}

// printer keeps the first write error, so that the layout reads without it.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) linef(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) table(rows func(*tabwriter.Writer)) {
	if p.err != nil {
		return
	}
	t := tabwriter.NewWriter(p.w, 0, 8, 2, ' ', 0)
	rows(t)
	p.err = t.Flush()
	p.linef("")
}

func (p *printer) header(e *kafkascalerv1.Explanation, bounds Bounds) {
	kind := bounds.Kind
	if kind == "" {
		kind = "ScaledObject"
	}
	if e.GetName() != "" {
		p.linef("%s %s/%s, metric %s", kind, e.GetNamespace(), e.GetName(), e.GetMetricName())
	} else {
		p.linef("Metric %s", e.GetMetricName())
	}
	age := ""
	if e.GetObservedAt() != nil {
		age = fmt.Sprintf(", read %s ago", e.GetSnapshotAge().AsDuration().Round(time.Millisecond))
	}
	p.linef("Cluster %s, %s%s", e.GetCluster(), groups(e), age)
	p.notes(e, bounds)
	p.linef("")
}

// notes are what a reader is to know before the numbers.
func (p *printer) notes(e *kafkascalerv1.Explanation, bounds Bounds) {
	for _, g := range e.GetConsumerGroups() {
		if g.GetNote() != "" {
			p.linef("Group %s: %s.", g.GetName(), g.GetNote())
		}
	}
	if bounds.Note != "" {
		p.linef("%s", bounds.Note)
	}
}

// groups names the consumer groups, each with what is known of it.
func groups(e *kafkascalerv1.Explanation) string {
	if len(e.GetConsumerGroups()) == 0 {
		return "consumer group " + e.GetConsumerGroup()
	}
	named := make([]string, 0, len(e.GetConsumerGroups()))
	for _, g := range e.GetConsumerGroups() {
		named = append(named, g.GetName()+details(g))
	}
	if len(named) == 1 {
		return "consumer group " + named[0]
	}
	return "consumer groups " + strings.Join(named, ", ")
}

func details(g *kafkascalerv1.ConsumerGroup) string {
	var known []string
	if kind := g.GetKind(); kind != "" && kind != "unknown" {
		known = append(known, kind)
	}
	if g.GetState() != "" {
		known = append(known, g.GetState())
	}
	if g.GetState() != "" && g.GetMembers() >= 0 {
		known = append(known, count(int64(g.GetMembers()), "member"))
	}
	if len(known) == 0 {
		return ""
	}
	return " (" + strings.Join(known, ", ") + ")"
}

func (p *printer) partitions(e *kafkascalerv1.Explanation) {
	if len(e.GetPartitions()) == 0 {
		return
	}
	p.table(func(t *tabwriter.Writer) {
		several := len(e.GetConsumerGroups()) > 1
		if several {
			fmt.Fprint(t, "GROUP\t")
		}
		fmt.Fprintln(t, "TOPIC\tPARTITION\tCOMMITTED\tLOG-START\tLOG-END\tLAG\tSTATE\tNOTE")
		for _, r := range e.GetPartitions() {
			if several {
				fmt.Fprint(t, r.GetConsumerGroup(), "\t")
			}
			fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.GetTopic(), r.GetPartition(), offset(r.GetCommittedOffset()),
				offset(r.GetLogStartOffset()), offset(r.GetLogEndOffset()), lagOf(r), r.GetReason(), note(r))
		}
	})
}

func lagOf(r *kafkascalerv1.Partition) string {
	if r.GetReason() == "unknown" {
		return "?"
	}
	return fmt.Sprint(r.GetLag())
}

func note(r *kafkascalerv1.Partition) string {
	switch {
	case r.GetError() != "":
		return r.GetError()
	case r.GetLost() > 0:
		return fmt.Sprintf("retention removed %d records before the group took them", r.GetLost())
	case r.GetActivationLag() != r.GetLag():
		return fmt.Sprintf("%d still count for activation", r.GetActivationLag())
	case r.GetExcluded() > 0:
		return fmt.Sprintf("%d left out, for activation too", r.GetExcluded())
	case r.GetAgeError() != "":
		return r.GetAgeError()
	case r.GetInspectionError() != "":
		return "not checked for phantom lag: " + r.GetInspectionError()
	case r.GetAge().AsDuration() > 0:
		return fmt.Sprintf("oldest record %s old", r.GetAge().AsDuration().Round(time.Millisecond))
	default:
		return ""
	}
}

func offset(n int64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func (p *printer) steps(d *kafkascalerv1.Decision) {
	p.table(func(t *tabwriter.Writer) {
		fmt.Fprintln(t, "RULE\tBEFORE\tAFTER\tWHY")
		for _, s := range d.GetSteps() {
			reason := s.GetReason()
			if s.GetConsumerGroup() != "" {
				reason = s.GetConsumerGroup() + ": " + reason
			}
			before, after := effect(s)
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.GetRule(), before, after, reason)
		}
	})
}

// effect is what a rule did to the metric. That of activation is none: it decides
// between two words, and numbers would read as if it cut the metric.
func effect(s *kafkascalerv1.Step) (before, after string) {
	switch {
	case s.GetRule() != string(policy.RuleActivation):
		return fmt.Sprint(s.GetBefore()), fmt.Sprint(s.GetAfter())
	case s.GetAfter() > 0:
		return "-", "active"
	default:
		return "-", "inactive"
	}
}

func (p *printer) verdict(e *kafkascalerv1.Explanation, bounds Bounds) {
	d := e.GetDecision()
	state := "inactive: KEDA may scale to zero"
	if d.GetActive() {
		state = "active"
	}
	p.linef("KEDA is told: metric %d%s, target %d%s, %s.", d.GetValue(), unit(d), d.GetTarget(), unit(d), state)
	if bounds.Kind == "ScaledJob" {
		p.linef("A ScaledJob starts up to ceil(%d / %d) = %s.", d.GetValue(), d.GetTarget(), count(d.GetReplicas(), "job"))
		return
	}
	if bounds.MetricType == "Value" {
		p.linef("The HPA multiplies the replicas that are ready by %d / %d (metricType Value).\nWhat it does depends on how many it has:\n",
			d.GetValue(), d.GetTarget())
		p.outcomes(e.GetHorizontal(), bounds.Max)
		return
	}
	limit := ""
	if bounds.Max > 0 && d.GetReplicas() > bounds.Max {
		limit = fmt.Sprintf(", and maxReplicaCount holds it at %d", bounds.Max)
	}
	p.linef("The HPA aims for ceil(%d / %d) = %s%s (metricType AverageValue).\nWhat it does depends on how many it has:\n",
		d.GetValue(), d.GetTarget(), count(d.GetReplicas(), "replica"), limit)
	p.outcomes(e.GetHorizontal(), bounds.Max)
}

func (p *printer) outcomes(all []*kafkascalerv1.HorizontalOutcome, limit int64) {
	p.table(func(t *tabwriter.Writer) {
		fmt.Fprintln(t, "REPLICAS NOW\tTHEN\tWHY")
		for _, h := range all {
			desired, reason := bounded(h, limit)
			fmt.Fprintf(t, "%d\t%d\t%s\n", h.GetCurrentReplicas(), desired, reason)
		}
	})
}

// unit is what stands behind a number: nothing for records.
func unit(d *kafkascalerv1.Decision) string {
	if d.GetUnit() == "seconds" {
		return " s"
	}
	return ""
}

func bounded(h *kafkascalerv1.HorizontalOutcome, limit int64) (int64, string) {
	if limit > 0 && h.GetDesiredReplicas() > limit {
		return limit, fmt.Sprintf("maxReplicaCount %d", limit)
	}
	return h.GetDesiredReplicas(), h.GetReason()
}

func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
