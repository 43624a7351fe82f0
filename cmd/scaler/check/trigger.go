package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/internal/terminal"
	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

const (
	// maxTopicsShown is how many topics of a trigger are a step each. An expression may match a thousand.
	maxTopicsShown = 10
	// maxErrorsShown is how many different errors of a group's partitions are a step each.
	maxErrorsShown = 5
)

// triggerCheck shows step by step how the scaler answers one trigger. What it reads and
// what follows from it is all the scaler's own doing.
type triggerCheck struct {
	*report
	cluster *clusters.Cluster
	trigger *trigger.Trigger
	// answer is what the scaler makes of it.
	answer *kafkascalerv1.Explanation
}

// run reports the steps, and returns the topics that can be read, at most [maxTopicsShown] of them.
func (c *triggerCheck) run(ctx context.Context) []lag.TopicPartitions {
	failedBefore := c.failed
	readable := c.topics()
	for i, q := range collector.NewQueries(c.trigger.Selection, c.trigger.Lag.MaxAge, c.answer.GetNamespace()) {
		c.group(q.ConsumerGroup, i)
		snapshot, err := c.cluster.Peek(ctx, q)
		if err != nil {
			c.fail("offsets", q.ConsumerGroup, err)
			continue
		}
		c.offsets(q.ConsumerGroup, snapshot)
		c.commits(q.ConsumerGroup)
	}
	c.verdict(c.failed > failedBefore)
	return readable
}

// partitions returns those of the answer that are the group's, sorted by topic and partition.
func (c *triggerCheck) partitions(group string) []*kafkascalerv1.Partition {
	return slices.DeleteFunc(slices.Clone(c.answer.GetPartitions()), func(p *kafkascalerv1.Partition) bool { return p.GetConsumerGroup() != group })
}

// topics reports the topics that the trigger reads.
func (c *triggerCheck) topics() []lag.TopicPartitions {
	found := map[string][]int32{}
	failing := map[string]bool{}
	for _, p := range c.answer.GetPartitions() {
		if !slices.Contains(found[p.GetTopic()], p.GetPartition()) {
			found[p.GetTopic()] = append(found[p.GetTopic()], p.GetPartition())
		}
		failing[p.GetTopic()] = failing[p.GetTopic()] || p.GetError() != ""
	}
	var readable []lag.TopicPartitions
	shown := 0
	for _, topic := range slices.Sorted(maps.Keys(found)) {
		if shown++; shown > maxTopicsShown {
			c.step(kafka.Check{Step: "topics", OK: true, Detail: fmt.Sprintf("and %d more", len(found)-maxTopicsShown)})
			break
		}
		detail := terminal.Count(len(found[topic]), "partition")
		if c.trigger.Selection.Partitions != nil {
			detail += " selected"
		}
		c.step(kafka.Check{Step: "topic", Target: topic, OK: true, Detail: detail})
		if !failing[topic] {
			readable = append(readable, lag.TopicPartitions{Topic: topic, Partitions: found[topic]})
		}
	}
	return readable
}

// group reports what the group is, where that could be found out.
func (c *triggerCheck) group(name string, i int) {
	groups := c.answer.GetConsumerGroups()
	if i >= len(groups) || groups[i].GetState() == "" {
		return
	}
	detail := "state " + groups[i].GetState()
	if members := groups[i].GetMembers(); members >= 0 {
		detail += ", " + terminal.Count(int(members), "member")
	}
	if kind := groups[i].GetKind(); kind != "unknown" {
		detail += ", " + kind
	}
	c.step(kafka.Check{Step: "group", Target: name, OK: true, Detail: detail})
}

// offsets reports what could not be read, or that all could. What is known as of before is worth a warning.
func (c *triggerCheck) offsets(group string, s *collector.Snapshot) {
	problems := distinct(s)
	if len(problems) == 0 {
		c.step(kafka.Check{Step: "offsets", Target: group, OK: true, Detail: "read for " + terminal.Count(len(s.Offsets), "partition")})
	}
	for i, err := range problems {
		switch {
		case i == maxErrorsShown:
			c.warn("offsets", group, fmt.Sprintf("and %d more errors", len(problems)-i), "")
			return
		case c.answer.GetError() == "":
			remedy, cause := apart(err)
			c.warn("offsets", group, cause.Error(), remedy)
		default:
			c.fail("offsets", group, err)
		}
	}
}

// distinct returns the different errors of a snapshot.
func distinct(s *collector.Snapshot) []error {
	all := []error{s.Err}
	if several, ok := s.Err.(interface{ Unwrap() []error }); ok {
		all = several.Unwrap()
	}
	for i := range s.Offsets {
		all = append(all, s.Offsets[i].Err)
	}
	var found []error
	seen := map[string]bool{}
	for _, err := range all {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			found = append(found, err)
		}
	}
	return found
}

// commits reports the commits that were found, and what the scaler has to say of them.
func (c *triggerCheck) commits(group string) {
	committed := 0
	for _, p := range c.partitions(group) {
		if p.GetCommittedOffset() >= 0 {
			committed++
		}
	}
	if committed > 0 {
		c.step(kafka.Check{Step: "committed offsets", Target: group, OK: true, Detail: "found for " + terminal.Count(committed, "partition")})
	}
	for _, g := range c.answer.GetConsumerGroups() {
		if g.GetName() != group || g.GetNote() == "" {
			continue
		}
		text, remedy, _ := strings.Cut(g.GetNote(), "; ")
		if committed == 0 {
			text = "found for no partition: " + text
		}
		c.warn("committed offsets", group, text, remedy)
	}
}

// verdict reports what KEDA is told. An error was reported already where a step before failed of it.
func (c *triggerCheck) verdict(failed bool) {
	switch d := c.answer.GetDecision(); {
	case c.answer.GetError() != "" && failed:
	case c.answer.GetError() != "":
		c.fail("answer", "", errors.New(c.answer.GetError()))
	case d.GetActive():
		c.step(kafka.Check{Step: "answer", OK: true, Detail: fmt.Sprintf("metric %d, target %d, active", d.GetValue(), d.GetTarget())})
	default:
		c.step(kafka.Check{Step: "answer", OK: true, Detail: fmt.Sprintf("metric %d, target %d, inactive", d.GetValue(), d.GetTarget())})
	}
}

// unset reports the variables that the trigger names and this command does not have.
func (r *report) unset(t manifest.Trigger) {
	for _, v := range t.Unset {
		r.warn("metadata", v.Key, "is left out: "+v.Reason(), v.Remedy())
	}
}
