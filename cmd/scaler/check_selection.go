package main

import (
	"context"
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// selection checks the topics and the groups that a trigger reads. It returns the
// topics named, or found by the groups' commits, that can be read.
func (c *checker) selection(ctx context.Context, client *kafka.Client, t *trigger.Trigger) []lag.TopicPartitions {
	s := &t.Selection
	var wanted, parts []lag.TopicPartitions
	readable := true
	switch {
	case len(s.Topics) > 0:
		parts, readable = c.topics(ctx, client, s.Topics)
		wanted = parts
	case s.TopicRegex != "":
		wanted, readable = c.regex(ctx, client, s)
	}
	if !readable {
		return parts
	}
	checked := map[string]bool{}
	for _, group := range s.ConsumerGroups {
		committed, ok := client.DiagnoseGroup(ctx, group, wanted, c.report.step)
		switch {
		case !ok:
		case len(committed) == 0:
			c.uncommitted(t, group, wanted == nil)
		case wanted == nil:
			parts = append(parts, c.discovered(ctx, client, group, committed, checked)...)
		}
	}
	return parts
}

// uncommitted reports a group without commits: a likely mistake, and a certain one
// where its commits are all that would tell the topics.
func (c *checker) uncommitted(t *trigger.Trigger, group string, discovers bool) {
	if discovers && !t.Selection.AllTopicsWithoutCommit {
		c.report.fail("topics", group, collector.NothingToDiscover(group))
		return
	}
	c.report.warn("committed offsets", group, "found for no partition: "+lag.UncommittedGroup, t.Lag.WithoutCommit())
}

// discovered checks the topics that a group has commits in, each once. One that is
// gone is no failure: its commits outlive it.
func (c *checker) discovered(ctx context.Context, client *kafka.Client, group string, names []string, checked map[string]bool) []lag.TopicPartitions {
	topics, err := client.Topics(ctx, names)
	if err != nil {
		c.report.fail("topics", "", err)
		return nil
	}
	var fresh []string
	gone := 0
	for _, topic := range topics {
		switch {
		case fault.KindOf(topic.Err) == fault.NotFound:
			gone++
		case !checked[topic.Name]:
			checked[topic.Name] = true
			fresh = append(fresh, topic.Name)
		}
	}
	if gone == len(topics) {
		c.report.fail("topics", group, collector.NothingToDiscover(group))
	}
	parts, _ := c.topics(ctx, client, fresh)
	return parts
}

// topics checks topics by name. It returns those that can be read, and whether all can.
func (c *checker) topics(ctx context.Context, client *kafka.Client, names []string) (parts []lag.TopicPartitions, readable bool) {
	readable = true
	for _, topic := range names {
		partitions, ok := client.DiagnoseTopic(ctx, topic, c.report.step)
		readable = readable && ok
		if ok {
			parts = append(parts, lag.TopicPartitions{Topic: topic, Partitions: partitions})
		}
	}
	return parts, readable
}

// regex returns the topics that match topicRegex, and whether there are any.
func (c *checker) regex(ctx context.Context, client *kafka.Client, s *trigger.Selection) ([]lag.TopicPartitions, bool) {
	topics, err := client.Topics(ctx, nil)
	if err != nil {
		c.report.fail("topicRegex", s.TopicRegex, err)
		return nil, false
	}
	var matched []lag.TopicPartitions
	for _, t := range topics {
		if t.Err == nil && !t.Internal && s.MatchTopic(t.Name) {
			matched = append(matched, lag.TopicPartitions{Topic: t.Name, Partitions: t.Partitions})
		}
	}
	if len(matched) == 0 {
		c.report.fail("topicRegex", s.TopicRegex, &fault.Error{
			Kind: fault.NotFound,
			Op:   fmt.Sprintf("none of the %d topics that this user may describe matches", len(topics)), Remedy: "correct topicRegex, or grant DESCRIBE on the topics",
		})
		return nil, false
	}
	c.report.step(kafka.Check{Step: "topicRegex", Target: s.TopicRegex, OK: true, Detail: fmt.Sprintf("matches %d of %s", len(matched), count(len(topics), "topic"))})
	return matched, true
}
