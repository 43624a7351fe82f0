// Package explanation shows a decision of the scaler to a person: which lag,
// which rules, which number, and what the HPA makes of it.
package explanation

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/terminal"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// Print writes one explanation as text. The outcomes in it are those of the subject, see [Restate].
func Print(w io.Writer, e *kafkascalerv1.Explanation, s Subject) error {
	p := printer{Printer: terminal.New(w), subject: s}
	p.header(e)
	p.partitions(e)
	p.latency(e)
	if e.GetError() != "" {
		p.failed(e)
		return p.Err()
	}
	p.steps(e.GetDecision())
	p.verdict(e)
	return p.Err()
}

type printer struct {
	*terminal.Printer
	subject Subject
}

// table writes a table and an empty line.
func (p *printer) table(rows func(*terminal.Table)) {
	p.Table(rows)
	p.Linef("")
}

func (p *printer) header(e *kafkascalerv1.Explanation) {
	switch {
	case e.GetName() == "":
		p.Linef("Metric %s", e.GetMetricName())
	case p.subject.Workload == nil:
		p.Linef("%s/%s, metric %s", e.GetNamespace(), e.GetName(), e.GetMetricName())
	default:
		p.Linef("%s %s/%s, metric %s", p.subject.Workload.Kind, e.GetNamespace(), e.GetName(), e.GetMetricName())
	}
	age := ""
	if e.GetObservedAt() != nil {
		age = fmt.Sprintf(", read %s ago", e.GetSnapshotAge().AsDuration().Round(time.Millisecond))
	}
	if !inShort(e) {
		p.Linef("Cluster %s, %s%s", e.GetCluster(), groups(e), age)
	}
	for _, g := range e.GetConsumerGroups() {
		if g.GetNote() != "" {
			p.Linef("Group %s: %s.", g.GetName(), g.GetNote())
		}
	}
	for _, note := range p.subject.notes() {
		p.Linef("%s", note)
	}
	p.Linef("")
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
		known = append(known, fault.Count(int64(g.GetMembers()), "member"))
	}
	if len(known) == 0 {
		return ""
	}
	return " (" + strings.Join(known, ", ") + ")"
}

// inShort reports whether the answer had room for the decision and the sums only.
func inShort(e *kafkascalerv1.Explanation) bool {
	return e.GetCluster() == "" && e.GetPartitionsLeftOut() > 0
}

func (p *printer) partitions(e *kafkascalerv1.Explanation) {
	if inShort(e) {
		p.Linef("Total lag %d in %s. The answer had no room for more about this trigger: explain it alone, with -f or --set.\n",
			e.GetTotalLag(), fault.Count(int64(e.GetPartitionsLeftOut()), "partition"))
	}
	if len(e.GetPartitions()) == 0 {
		return
	}
	several := len(e.GetConsumerGroups()) > 1
	p.table(func(t *terminal.Table) {
		row := func(group any, cells ...any) {
			if several {
				cells = append([]any{group}, cells...)
			}
			t.Row(cells...)
		}
		row("GROUP", "TOPIC", "PARTITION", "COMMITTED", "LOG-START", "LOG-END", "LAG", "STATE", "NOTE")
		for _, r := range e.GetPartitions() {
			row(r.GetConsumerGroup(), r.GetTopic(), r.GetPartition(), offset(r.GetCommittedOffset()),
				offset(r.GetLogStartOffset()), offset(r.GetLogEndOffset()), lagOf(r), r.GetReason(), note(r))
		}
		if n := e.GetPartitionsLeftOut(); n > 0 {
			t.Row(fmt.Sprintf("and %s more, for which the answer had no room", fault.Count(int64(n), "partition")))
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
	case slices.Contains([]lag.Reason{lag.ReasonCommitPastEnd, lag.ReasonCommitOfEarlierLog}, lag.Reason(r.GetReason())):
		return "the log does not have the committed offset: consumers are reset"
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
	if len(d.GetSteps()) == 0 {
		return
	}
	p.table(func(t *terminal.Table) {
		t.Row("RULE", "BEFORE", "AFTER", "WHY")
		for _, s := range d.GetSteps() {
			reason := s.GetReason()
			if s.GetConsumerGroup() != "" {
				reason = s.GetConsumerGroup() + ": " + reason
			}
			before, after := effect(s)
			t.Row(s.GetRule(), before, after, reason)
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

// unit is what stands behind a number: nothing for records, and Kubernetes' own sign for thousandths.
func unit(d *kafkascalerv1.Decision) string {
	switch policy.Unit(d.GetUnit()) {
	case policy.Seconds:
		return " s"
	case policy.Millireplicas:
		return "m"
	}
	return ""
}
