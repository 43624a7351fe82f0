package store

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// ClaimCommits marks the groups of a union as owed by the call, but for those that an
// earlier call still owes, and returns the requests.
func (s *Store) ClaimCommits(u *Union, id Stamp) []lag.GroupTopics {
	owed := 0
	for _, g := range u.groups {
		if g.pending != 0 {
			owed++
		}
	}
	free := u.commits
	if owed > 0 {
		free = make([]lag.GroupTopics, 0, len(u.commits)-owed)
	}
	for i, g := range u.groups {
		if g.pending != 0 {
			continue
		}
		g.pending, g.all = id, u.commits[i].Topics == nil
		if owed > 0 {
			free = append(free, u.commits[i])
		}
	}
	return free
}

// TakeCommits takes in one group's answer to the call, received now, and reports whether the
// call owed it. What comes late, when nobody waits for the call any more, is shown with the log
// ends that are asked for after it: there is news of the group in the publication after the next.
func (s *Store) TakeCommits(gc lag.GroupCommits, call, now Stamp, late bool) bool {
	read := s.Tick(now)
	g := s.groups[gc.Group]
	if g == nil || g.pending != call {
		return false
	}
	s.note(&g.seq, g.answered == 0 || (g.err == nil) != (gc.Err == nil))
	g.pending, g.err = 0, gc.Err
	if late {
		defer s.noteLater(&g.seq)
	}
	if gc.Err != nil {
		return true
	}
	g.answered, g.kind = read, gc.Kind
	if g.all {
		g.interests.note(gc.Commits)
		s.takeFound(g, gc.Commits)
	}
	room := SpareRoom + 2*len(gc.Commits)
	for kind := range g.tracks {
		failed := takeTracks(g, lag.Position(kind), gc.Commits, call, read, &room)
		for _, tr := range g.tracks[kind] {
			if g.all && tr.users > 0 {
				// Asked for everything, a broker leaves out what has no commit.
				tr.takeAbsent(g.kind, failed, call, read)
			}
			s.note(&g.seq, tr.moved)
			tr.moved = false
		}
	}
	return true
}

// SpareRoom is for how many partitions more than two a commit there is room in topics that are not described yet.
const SpareRoom = 128

// takeTracks takes in the commits for the readers of one kind of log end, and returns the partitions whose read
// failed. In topics whose partitions are not known yet, it makes no more room than is given.
func takeTracks(g *Group, kind lag.Position, commits []lag.Commit, call, read Stamp, room *int) (failed map[lag.TopicPartition]bool) {
	var tr *Tracked
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
		if !tr.makeRoom(cm.Partition, room) {
			continue
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

// makeRoom reports whether there is room for a partition's commit, and makes some where the topic's partitions
// are not known yet, or nobody may read them. What cannot be taken in then is asked for again.
func (tr *Tracked) makeRoom(id int32, room *int) bool {
	missing := int(id) + 1 - len(tr.parts)
	switch {
	case id < 0 || id >= MaxPartitions:
		return false
	case missing <= 0:
		return true
	case tr.users > 0 && len(tr.topic.ids) > 0 || missing > *room:
		return false
	}
	*room -= missing
	tr.grow(id)
	return true
}

// fit makes room for the topic's partitions, if anybody may read them, and forgets what was read in an earlier
// life of the topic.
func (tr *Tracked) fit() {
	t := tr.topic
	if tr.incarnation != t.incarnation {
		tr.past = tr.commits()
		tr.parts, tr.errs, tr.looks, tr.ages, tr.done, tr.incarnation = nil, nil, nil, nil, nil, t.incarnation
	}
	if n := len(t.ids); n > 0 && tr.users > 0 {
		tr.grow(t.ids[n-1])
	}
}

// commits are the newest commits, by partition.
func (tr *Tracked) commits() []int64 {
	offsets := make([]int64, len(tr.parts))
	for id := range tr.parts {
		offsets[id] = lag.NoCommit
		if newest := tr.parts[id].newest; newest.read != 0 {
			offsets[id] = newest.offset
		}
	}
	return offsets
}

// at returns what is known of one partition, in this incarnation of the topic, and why the newest read of its commit failed.
func (tr *Tracked) at(id int32) (p positions, err error) {
	if tr.incarnation != tr.topic.incarnation {
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

func (tr *Tracked) grow(id int32) {
	if missing := int(id) + 1 - len(tr.parts); missing > 0 {
		tr.parts = append(tr.parts, make([]positions, missing)...)
	}
}

// take takes in one commit and reports whether it was read well.
func (tr *Tracked) take(cm *lag.Commit, call, read Stamp) bool {
	if call <= tr.topic.born {
		return true // asked for when the topic may still have been another one
	}
	err := cm.Err
	if err == nil && cm.Offset < lag.NoCommit {
		err = unexpected("read the committed offset of", cm.String(), fmt.Errorf("offset %d", cm.Offset))
	}
	newest, failed := tr.parts[cm.Partition].newest, int(cm.Partition) < len(tr.errs) && tr.errs[cm.Partition] != nil
	epoch := tr.topic.epochs.of(cm.LeaderEpoch)
	same := newest.read != 0 && newest.offset == cm.Offset && newest.epoch == epoch
	tr.moved = tr.moved || failed != (err != nil) || err == nil && !same
	tr.errs = setErr(tr.errs, int(cm.Partition), len(tr.parts), err)
	if err != nil {
		return false
	}
	tr.takeDone(cm)
	next := position{offset: cm.Offset, asked: call, read: read, epoch: epoch}
	next.earlier = same && (newest.earlier || tr.topic.epochs.isOfEarlierLog(cm.Partition, newest)) || newest.read == 0 && tr.outlived(cm)
	tr.parts[cm.Partition].add(next, tr.topic.logs[tr.kind].at(cm.Partition))
	return true
}

// outlived reports whether the first commit in a new incarnation of the topic is the last one of the incarnation before:
// coordinators forget the commits of a topic a while after it was deleted. One at 0 leaves nothing out.
func (tr *Tracked) outlived(cm *lag.Commit) bool {
	return cm.Offset > 0 && int(cm.Partition) < len(tr.past) && tr.past[cm.Partition] == cm.Offset
}

// takeAbsent notes that the partitions which the answer left out have no commit. Of a share group it notes that they
// are not known: the answer has a start offset for each partition that is shared, be it none.
func (tr *Tracked) takeAbsent(kind lag.GroupKind, failed map[lag.TopicPartition]bool, call, read Stamp) {
	tr.fit()
	for _, id := range tr.topic.ids {
		tp := lag.TopicPartition{Topic: tr.topic.name, Partition: id}
		if tr.parts[id].newest.read != read && !failed[tp] {
			absent := lag.Commit{TopicPartition: tp, Offset: lag.NoCommit, LeaderEpoch: lag.NoLeaderEpoch}
			if kind == lag.KindShare {
				absent.Err = leftOut(tp)
			}
			tr.take(&absent, call, read)
		}
	}
}

// foundEnough reports whether there are more topics already than any query may select: such a query is told so.
func (s *Store) foundEnough(g *Group) bool { return len(g.found) > s.opts.MaxTopicsPerQuery }

// takeFound remembers the topics that a group has commits for.
func (s *Store) takeFound(g *Group, commits []lag.Commit) {
	last := ""
	for i := range commits {
		cm := &commits[i]
		if cm.Topic == last || cm.Err == nil && cm.Offset < 0 {
			continue
		}
		last = cm.Topic
		delete(g.interests.neverCommitted, last)
		at, known := slices.BinarySearch(g.found, last)
		if known || !s.mayFind(last) || s.foundEnough(g) {
			continue
		}
		g.found = slices.Insert(g.found, at, last)
		s.trackFound(g, last)
	}
}

func leftOut(tp lag.TopicPartition) error {
	return &fault.Error{
		Kind: fault.Unavailable, Op: "read the share-partition start offset of", Object: tp.String(),
		Err:    errors.New("the coordinator's answer leaves it out"),
		Remedy: "see what it says with kafka-share-groups --describe --offsets; if the group shares the topic no more, name those that it does with `topic`",
	}
}
