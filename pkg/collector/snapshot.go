package collector

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// view is a snapshot and the publication that it shows.
type view struct {
	*Snapshot
	published uint64
}

// current returns what is published for the entry. Snapshots are built when
// somebody reads them, not when they are published: of ten thousand queries, a few
// hundred are read between two refreshes.
func (c *Collector) current(e *entry) *view {
	if v := e.view.Load(); v != nil && v.published == c.published.Load() {
		return v
	}
	e.build.Lock()
	defer e.build.Unlock()
	c.mu.RLock()
	defer c.mu.RUnlock()
	published := c.published.Load()
	v := e.view.Load()
	switch {
	case v != nil && v.published == published:
		return v
	case v != nil && c.latest(e).read <= v.published:
		v = &view{Snapshot: v.Snapshot, published: published}
	default:
		v = c.look(e, published)
	}
	e.view.Store(v)
	return v
}

// look builds the entry's snapshot. The caller holds mu for reading.
func (c *Collector) look(e *entry, published uint64) *view {
	s := &Snapshot{}
	v := &view{Snapshot: s, published: published}
	n := 0
	for _, tr := range e.tracked {
		n += len(tr.topic.ids)
	}
	s.Offsets = make([]lag.Offsets, 0, n)
	var wrong problems
	if e.group.answered == 0 && e.group.err != nil {
		wrong = append(wrong, e.group.err)
	}
	for _, tr := range e.tracked {
		if err := c.lookAtTopic(e, tr, v); err != nil {
			wrong = append(wrong, err)
		}
	}
	switch {
	case e.refused != nil:
		wrong = append(wrong, e.refused)
	case c.catalog.refused != nil && e.lists():
		// There may be topics that the one taken does not have.
		wrong = append(wrong, c.catalog.refused)
	case len(e.tracked) == 0:
		wrong = append(wrong, c.noTopic(e))
	}
	s.Group = lag.Group{Name: e.group.name, Kind: e.group.kind, Members: -1}
	s.Err = wrong.err()
	for i := range s.Offsets {
		if at := s.Offsets[i].ObservedAt; i == 0 || at.Before(s.ObservedAt) {
			s.ObservedAt = at
		}
	}
	return v
}

// lookAtTopic adds the offsets of one topic's partitions, or returns why they would be no answer.
func (c *Collector) lookAtTopic(e *entry, tr *tracked, v *view) error {
	t := tr.topic
	switch {
	case len(t.ids) == 0 && t.err != nil:
		return t.err
	case len(t.ids) == 0:
		return c.notYet(fmt.Sprintf("topic %q", t.name))
	}
	first := len(v.Offsets)
	oldest := c.now()
	for _, id := range t.ids {
		if !e.Partitions.Contains(id) {
			continue
		}
		o, asked := c.offsets(e.group, tr, id)
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
	case t.missingOrDenied() && (oldest == 0 || c.age(oldest) > e.MaxAge):
		v.Offsets = v.Offsets[:first]
		return t.err
	}
	return nil
}

// offsets returns what is known of one partition, and when the commit in it was asked for.
func (c *Collector) offsets(g *group, tr *tracked, id int32) (o lag.Offsets, asked stamp) {
	t := tr.topic
	end := t.logs[tr.kind].at(id)
	start := t.logs[lag.Start].at(id)
	o = lag.Offsets{
		TopicPartition: lag.TopicPartition{Topic: t.name, Partition: id},
		Committed:      lag.NoCommit, LogStart: start.known(), LogEnd: lag.Unknown,
	}
	counts := lag.NoCommit
	p, failed := tr.at(id)
	if commit := p.fitting(end); commit.read != 0 {
		o.Committed, o.LogEnd, o.ObservedAt = commit.offset, end.offset, c.time(commit.asked)
		o.CommitOfEarlierLog, counts = commit.earlier, commit.counts()
		o.Done = tr.doneBehind(id, counts)
		if p.moved != 0 {
			o.MovedAt = c.time(p.moved)
		}
		if p.stalled != 0 && p.stalledAt == commit.offset {
			o.StalledSince = c.time(p.stalled)
		}
		asked = commit.asked
	}
	if past := t.logs[lag.End].at(id); asked != 0 && tr.needsHighWatermark(o.Committed, end) && past.asked > end.asked {
		o.HighWatermark = past.offset
	}
	o.Inspected, o.Oldest = tr.inspection(id), tr.oldest(id, o)
	complete := asked != 0 && (start.asked != 0 || !needsStart(counts, o.LogEnd))
	if failed == nil && p.ahead(end) {
		failed = p.errAhead(o.TopicPartition, end)
	}
	o.Err = c.partitionErr(g, tr, id, failed, complete)
	return o, asked
}

// needsStart reports whether lag may depend on the log start.
func needsStart(committed, logEnd int64) bool { return committed < 0 || committed != logEnd }

// partitionErr returns why the newest attempt to read the partition failed, given why that to read its commit did.
func (c *Collector) partitionErr(g *group, tr *tracked, id int32, failed error, complete bool) error {
	t := tr.topic
	if err := t.logs[tr.kind].err(id); err != nil {
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
	return c.notYet(fmt.Sprintf("partition %s-%d", t.name, id))
}

// noTopic says why the entry selects no topic at all.
func (c *Collector) noTopic(e *entry) error {
	g := e.group
	switch {
	case e.lists() && c.catalog.err != nil && !c.catalog.answered:
		return c.catalog.err
	case e.lists() && !c.catalog.answered:
		return c.notYet("the cluster's topics")
	case e.TopicRegex != "" && e.catalog == 0:
		return &fault.Error{
			Kind: fault.Unavailable, Op: "select topics by", Object: fmt.Sprintf("topicRegex %q", e.TopicRegex),
			Err:    fmt.Errorf("it is still being matched with the names of %d topics", len(c.catalog.topics)),
			Remedy: "ask again; if it lasts, write a simpler expression",
		}
	case e.matched > maxMatchedTopics:
		return &fault.Error{
			Kind: fault.Precondition, Op: "select topics by", Object: fmt.Sprintf("topicRegex %q", e.TopicRegex),
			Err:    fmt.Errorf("%d topics match, and a trigger may have %d of them", e.matched, maxMatchedTopics),
			Remedy: "write a narrower expression, or several triggers",
		}
	case e.TopicRegex != "":
		return &fault.Error{
			Kind: fault.NotFound, Op: "select topics by", Object: fmt.Sprintf("topicRegex %q", e.TopicRegex),
			Err:    fmt.Errorf("none of the %d topics that can be described matches as a whole", len(c.catalog.topics)),
			Remedy: "correct topicRegex, or give the scaler DESCRIBE on the topics",
		}
	case g.answered != 0:
		return NothingToDiscover(g.name)
	case g.err != nil:
		return nil
	default:
		return c.notYet(fmt.Sprintf("group %q", g.name))
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

func (c *Collector) notYet(object string) error {
	return &fault.Error{
		Kind: fault.Unavailable, Op: "read", Object: object,
		Err:    errors.New("no broker has answered yet" + c.where()),
		Remedy: "see which broker does not answer, with `kafka-scaler check`",
	}
}

func (c *Collector) where() string {
	if c.opts.Cluster == "" {
		return ""
	}
	return fmt.Sprintf(" (cluster %q)", c.opts.Cluster)
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
