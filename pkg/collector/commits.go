package collector

import (
	"fmt"
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// takeCommits takes in one group's answer to the call, received at read. It
// reports whether the call owed it. The caller holds mu.
func (c *Collector) takeCommits(gc lag.GroupCommits, call, read stamp) bool {
	g := c.groups[gc.Group]
	if g == nil || g.pending != call {
		return false
	}
	if g.answered == 0 || (g.err == nil) != (gc.Err == nil) {
		g.moved = c.next()
	}
	g.pending, g.err, g.touched = 0, gc.Err, c.next()
	if gc.Err != nil {
		return true
	}
	g.answered, g.kind = read, gc.Kind
	if g.all {
		g.interests.note(gc.Commits)
		c.takeFound(g, gc.Commits)
	}
	for kind := range g.tracks {
		failed := takeTracks(g, lag.Position(kind), gc.Commits, call, read)
		for _, tr := range g.tracks[kind] {
			if g.all {
				// Asked for everything, a broker leaves out what has no commit.
				tr.takeAbsent(failed, call, read)
			}
			if tr.moved {
				tr.moved, g.moved = false, c.next()
			}
		}
	}
	return true
}

// takeTracks takes in the commits for the readers of one kind of log end, and returns the partitions whose read failed.
func takeTracks(g *group, kind lag.Position, commits []lag.Commit, call, read stamp) (failed map[lag.TopicPartition]bool) {
	var tr *tracked
	for i := range commits {
		cm := &commits[i]
		if tr == nil || tr.topic.name != cm.Topic {
			at, ok := g.find(kind, cm.Topic)
			if !ok {
				tr = nil
				continue
			}
			tr = g.tracks[kind][at]
			tr.fit()
		}
		if !tr.take(cm, call, read) {
			if failed == nil {
				failed = make(map[lag.TopicPartition]bool)
			}
			failed[cm.TopicPartition] = true
		}
	}
	return failed
}

// fit makes room for the topic's partitions, and forgets what was read in an earlier life of the topic.
func (tr *tracked) fit() {
	t := tr.topic
	if tr.life != t.life {
		tr.parts, tr.errs, tr.looks, tr.ages, tr.done, tr.life = nil, nil, nil, nil, nil, t.life
	}
	if n := len(t.ids); n > 0 {
		tr.grow(t.ids[n-1])
	}
}

// at returns what is known of one partition, in this life of the topic, and why the newest read of its commit failed.
func (tr *tracked) at(id int32) (p positions, err error) {
	if tr.life != tr.topic.life {
		return positions{}, nil
	}
	if int(id) < len(tr.parts) {
		p = tr.parts[id]
	}
	if int(id) < len(tr.errs) {
		err = tr.errs[id]
	}
	return p, err
}

func (tr *tracked) grow(id int32) {
	if missing := int(id) + 1 - len(tr.parts); missing > 0 {
		tr.parts = append(tr.parts, make([]positions, missing)...)
	}
}

// take takes in one commit and reports whether it was read well.
func (tr *tracked) take(cm *lag.Commit, call, read stamp) bool {
	if cm.Partition < 0 || cm.Partition > maxPartition {
		return true
	}
	tr.grow(cm.Partition)
	err := cm.Err
	if err == nil && cm.Offset < lag.NoCommit {
		err = unexpected("read the committed offset of", cm.String(), fmt.Errorf("offset %d", cm.Offset))
	}
	newest, failed := tr.parts[cm.Partition].newest, int(cm.Partition) < len(tr.errs) && tr.errs[cm.Partition] != nil
	tr.moved = tr.moved || failed != (err != nil) || err == nil && (newest.read == 0 || newest.offset != cm.Offset)
	tr.errs = setErr(tr.errs, int(cm.Partition), len(tr.parts), err)
	if err != nil {
		return false
	}
	tr.takeDone(cm)
	tr.parts[cm.Partition].add(position{offset: cm.Offset, asked: call, read: read}, tr.topic.logs[tr.kind].at(cm.Partition))
	return true
}

// takeAbsent notes that the partitions which the answer left out have no commit.
func (tr *tracked) takeAbsent(failed map[lag.TopicPartition]bool, call, read stamp) {
	tr.fit()
	for _, id := range tr.topic.ids {
		tp := lag.TopicPartition{Topic: tr.topic.name, Partition: id}
		if tr.parts[id].newest.read != read && !failed[tp] {
			tr.take(&lag.Commit{TopicPartition: tp, Offset: lag.NoCommit}, call, read)
		}
	}
}

// takeFound remembers the topics that a group has commits for. The caller holds mu.
func (c *Collector) takeFound(g *group, commits []lag.Commit) {
	last := ""
	for i := range commits {
		cm := &commits[i]
		if cm.Topic == last || cm.Err == nil && cm.Offset < 0 {
			continue
		}
		last = cm.Topic
		delete(g.interests.neverCommitted, last)
		at, known := slices.BinarySearch(g.found, last)
		if known || !c.mayFind(last) {
			continue
		}
		g.found = slices.Insert(g.found, at, last)
		c.trackFound(g, last)
	}
}
