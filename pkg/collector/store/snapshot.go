package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Snapshot builds the subscription's snapshot.
func (s *Store) Snapshot(sub *Subscription, now Stamp) *Snapshot {
	v := &Snapshot{}
	n := 0
	for _, gt := range sub.selected {
		n += len(gt.topic.ids)
	}
	v.Offsets = make([]lag.Offsets, 0, n)
	var wrong problems
	if sub.group.answered == 0 && sub.group.err != nil {
		wrong = append(wrong, sub.group.err)
	}
	for _, gt := range sub.selected {
		if err := s.appendOffsets(sub, gt, v, now); err != nil {
			wrong = append(wrong, err)
		}
	}
	switch {
	case sub.refused != nil:
		wrong = append(wrong, sub.refused)
	case s.catalog.refused != nil && sub.lists():
		// There may be topics that the one taken does not have.
		wrong = append(wrong, s.catalog.refused)
	case len(sub.selected) == 0:
		wrong = append(wrong, s.noTopic(sub))
	}
	v.Group = lag.Group{Name: sub.group.name, Kind: sub.group.kind, Members: -1}
	v.Err = wrong.err()
	for i := range v.Offsets {
		if at := v.Offsets[i].ObservedAt; i == 0 || at.Before(v.ObservedAt) {
			v.ObservedAt = at
		}
	}
	return v
}

// appendOffsets adds the offsets of one topic's partitions, or returns why they would be no answer.
func (s *Store) appendOffsets(sub *Subscription, gt *GroupTopic, v *Snapshot, now Stamp) error {
	t := gt.topic
	switch {
	case len(t.ids) == 0 && t.err != nil:
		return t.err
	case len(t.ids) == 0:
		return s.notYet(fmt.Sprintf("topic %q", t.name))
	}
	first := len(v.Offsets)
	oldest := now
	for _, id := range t.ids {
		if !sub.Partitions.Contains(id) {
			continue
		}
		o, asked := s.offsets(sub.group, gt, id)
		v.Offsets = append(v.Offsets, o)
		oldest = min(oldest, asked)
	}
	switch {
	case len(v.Offsets) == first:
		return &fault.Error{
			Kind: fault.Precondition, Op: "select partitions of", Object: fmt.Sprintf("topic %q", t.name),
			Err:    fmt.Errorf("it has %d partitions and partitionLimitation names none of them", len(t.ids)),
			Remedy: "correct partitionLimitation, or leave it out",
		}
	case t.missingOrDenied() && (oldest == 0 || now-oldest > Stamp(sub.MaxAge)):
		v.Offsets = v.Offsets[:first]
		return t.err
	}
	return nil
}

// offsets returns what is known of one partition, and when the commit in it was asked for.
func (s *Store) offsets(g *Group, gt *GroupTopic, id int32) (o lag.Offsets, asked Stamp) {
	t := gt.topic
	end := t.logs[gt.isolation].at(id)
	start := t.logs[lag.Start].at(id)
	o = lag.Offsets{
		TopicPartition: lag.TopicPartition{Topic: t.name, Partition: id},
		Committed:      lag.NoCommit, LogStart: start.known(), LogEnd: lag.Unknown,
	}
	counts := lag.NoCommit
	p, failed := gt.at(id)
	if commit := p.fitting(end); commit.read != 0 {
		o.Committed, o.LogEnd, o.ObservedAt = commit.offset, end.offset, s.Time(commit.asked)
		o.CommitOfEarlierLog, counts = commit.earlier, commit.counts()
		o.Done = gt.doneBehind(id, counts)
		if p.movedAt != 0 {
			o.MovedAt = s.Time(p.movedAt)
		}
		if p.stalled != 0 && p.stalledAt == commit.offset {
			o.StalledSince = s.Time(p.stalled)
		}
		asked = commit.asked
	}
	if past := t.logs[lag.End].at(id); asked != 0 && gt.needsHighWatermark(o.Committed, end) && past.asked > end.asked {
		o.HighWatermark = past.offset
	}
	o.Inspected, o.Oldest = gt.inspection(id), gt.oldest(id, o)
	complete := asked != 0 && (start.asked != 0 || !needsStart(counts, o.LogEnd))
	if failed == nil && p.ahead(end) {
		failed = p.errAhead(o.TopicPartition, end)
	}
	o.Err = s.partitionErr(g, gt, id, failed, complete)
	return o, asked
}

// needsStart reports whether lag may depend on the log start.
func needsStart(committed, logEnd int64) bool { return committed < 0 || committed != logEnd }

// partitionErr returns why the newest attempt to read the partition failed, given why that to read its commit did.
func (s *Store) partitionErr(g *Group, gt *GroupTopic, id int32, failed error, complete bool) error {
	t := gt.topic
	if err := t.logs[gt.isolation].err(id); err != nil {
		return err
	}
	switch {
	case failed != nil:
		return failed
	case g.err != nil:
		return g.err
	case t.err != nil:
		return t.err
	case complete:
		return nil
	}
	if err := t.logs[lag.Start].err(id); err != nil {
		return err
	}
	return s.notYet(fmt.Sprintf("partition %s-%d", t.name, id))
}

// noTopic says why the subscription selects no topic at all.
func (s *Store) noTopic(sub *Subscription) error {
	g := sub.group
	switch {
	case sub.lists() && s.catalog.err != nil && !s.catalog.answered:
		return s.catalog.err
	case sub.lists() && !s.catalog.answered:
		return s.notYet("the cluster's topics")
	case sub.TopicRegex != "" && sub.catalog == 0:
		return &fault.Error{
			Kind: fault.Unavailable, Op: "select topics by", Object: fmt.Sprintf("topicRegex %q", sub.TopicRegex),
			Err:    fmt.Errorf("it is still being matched with the names of %d topics", len(s.catalog.topics)),
			Remedy: "ask again; if it lasts, write a simpler expression",
		}
	case sub.matched > MaxMatchedTopics:
		return &fault.Error{
			Kind: fault.Precondition, Op: "select topics by", Object: fmt.Sprintf("topicRegex %q", sub.TopicRegex),
			Err:    fmt.Errorf("%d topics match, and a trigger may have %d of them", sub.matched, MaxMatchedTopics),
			Remedy: "write a narrower expression, or several triggers",
		}
	case sub.TopicRegex != "":
		return &fault.Error{
			Kind: fault.NotFound, Op: "select topics by", Object: fmt.Sprintf("topicRegex %q", sub.TopicRegex),
			Err:    fmt.Errorf("none of the %d topics that can be described matches as a whole", len(s.catalog.topics)),
			Remedy: "correct topicRegex, or give the scaler DESCRIBE on the topics",
		}
	case g.answered != 0:
		return NothingToDiscover(g.name)
	case g.err != nil:
		return nil
	default:
		return s.notYet(fmt.Sprintf("group %q", g.name))
	}
}

// NothingToDiscover is the *fault.Error of a query that names no topic, about a group without commits.
func NothingToDiscover(group string) error {
	return &fault.Error{
		Kind: fault.Precondition, Op: "discover the topics of", Object: fmt.Sprintf("group %q", group),
		Err:    errors.New("the group has no committed offsets"),
		Remedy: "name the topic with `topic`",
	}
}

func (s *Store) notYet(object string) error {
	return &fault.Error{
		Kind: fault.Unavailable, Op: "read", Object: object,
		Err:    errors.New("no broker has answered yet" + s.Where()),
		Remedy: "see which broker does not answer, with `kafka-scaler check`",
	}
}

// Where names the cluster, in an error.
func (s *Store) Where() string {
	if s.opts.Cluster == "" {
		return ""
	}
	return fmt.Sprintf(" (cluster %q)", s.opts.Cluster)
}

// problems are several errors on one line, each told once.
type problems []error

// named is how many of several problems are told.
const named = 3

func (p problems) err() error {
	var distinct problems
	for _, err := range p {
		if err != nil && !slices.ContainsFunc(distinct, func(d error) bool { return d.Error() == err.Error() }) {
			distinct = append(distinct, err)
		}
		if len(distinct) > named {
			break
		}
	}
	switch len(distinct) {
	case 0:
		return nil
	case 1:
		return distinct[0]
	}
	return distinct
}

// Error tells the first few.
func (p problems) Error() string {
	texts := make([]string, 0, named+1)
	for i, err := range p {
		if i == named {
			texts = append(texts, "and more")
			break
		}
		texts = append(texts, err.Error())
	}
	return strings.Join(texts, " | ")
}

// Unwrap lets errors.As find the kind of the first.
func (p problems) Unwrap() []error { return p }
