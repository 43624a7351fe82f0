package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
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
	queries := collector.NewQueries(c.trigger.Selection, c.trigger.Lag.MaxAge, c.answer.GetNamespace())
	snapshots := make([]*collector.Snapshot, len(queries))
	for i, q := range queries {
		var err error
		if snapshots[i], err = c.cluster.Peek(ctx, q); err != nil {
			snapshots[i] = &collector.Snapshot{Err: err}
		}
	}
	readable := c.topics(snapshots)
	for i, q := range queries {
		c.group(q.ConsumerGroup)
		c.offsets(q.ConsumerGroup, snapshots[i])
		c.commits(q.ConsumerGroup, snapshots[i])
	}
	c.verdict(c.failed > failedBefore)
	return readable
}

// topics reports the topics that the trigger reads.
func (c *triggerCheck) topics(snapshots []*collector.Snapshot) []lag.TopicPartitions {
	found := map[string][]int32{}
	failing := map[string]bool{}
	for _, s := range snapshots {
		for i := range s.Offsets {
			o := &s.Offsets[i]
			if !slices.Contains(found[o.Topic], o.Partition) {
				found[o.Topic] = append(found[o.Topic], o.Partition)
			}
			failing[o.Topic] = failing[o.Topic] || o.Err != nil
		}
	}
	var readable []lag.TopicPartitions
	for i, topic := range slices.Sorted(maps.Keys(found)) {
		if i == maxTopicsShown {
			c.step(kafka.Check{Step: "topics", OK: true, Detail: fmt.Sprintf("and %d more", len(found)-i)})
			break
		}
		detail := fault.Count(len(found[topic]), "partition")
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

// explained returns what the scaler says of a group; the zero value where it says nothing.
func (c *triggerCheck) explained(group string) *kafkascalerv1.ConsumerGroup {
	for _, g := range c.answer.GetConsumerGroups() {
		if g.GetName() == group {
			return g
		}
	}
	return &kafkascalerv1.ConsumerGroup{}
}

// group reports what the group is, where that could be found out.
func (c *triggerCheck) group(name string) {
	g := c.explained(name)
	if g.GetState() == "" {
		return
	}
	detail := "state " + g.GetState()
	if g.GetMembers() >= 0 {
		detail += ", " + fault.Count(int(g.GetMembers()), "member")
	}
	if g.GetKind() != "unknown" {
		detail += ", " + g.GetKind()
	}
	c.step(kafka.Check{Step: "group", Target: name, OK: true, Detail: detail})
}

// offsets reports what could not be read, or that all could. What is known as of before is worth a warning.
func (c *triggerCheck) offsets(group string, s *collector.Snapshot) {
	problems := distinct(s)
	if len(problems) == 0 {
		c.step(kafka.Check{Step: "offsets", Target: group, OK: true, Detail: "read for " + fault.Count(len(s.Offsets), "partition")})
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
func (c *triggerCheck) commits(group string, s *collector.Snapshot) {
	committed := 0
	for i := range s.Offsets {
		if s.Offsets[i].Committed >= 0 {
			committed++
		}
	}
	if committed > 0 {
		c.step(kafka.Check{Step: "committed offsets", Target: group, OK: true, Detail: "found for " + fault.Count(committed, "partition")})
	}
	note := c.explained(group).GetNote()
	if note == "" {
		return
	}
	text, remedy, _ := strings.Cut(note, "; ")
	if committed == 0 {
		text = "found for no partition: " + text
	}
	c.warn("committed offsets", group, text, remedy)
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
