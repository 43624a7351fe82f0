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
		s.noteDiscovered(g, gc.Commits)
	}
	room := SpareRoom + 2*len(gc.Commits)
	for isolation := range g.topics {
		failed := takeGroupTopics(g, lag.Position(isolation), gc.Commits, call, read, &room)
		for _, gt := range g.topics[isolation] {
			if g.all && gt.users > 0 {
				// Asked for everything, a broker leaves out what has no commit.
				gt.takeAbsent(g.kind, failed, call, read)
			}
			s.note(&g.seq, gt.changed)
			gt.changed = false
		}
	}
	return true
}

// SpareRoom is for how many partitions more than two a commit there is room in topics that are not described yet.
const SpareRoom = 128

// takeGroupTopics takes in the commits for the readers of one isolation level, and returns the partitions whose read
// failed. In topics whose partitions are not known yet, it makes no more room than is given.
func takeGroupTopics(g *Group, isolation lag.Position, commits []lag.Commit, call, read Stamp, room *int) (failed map[lag.TopicPartition]bool) {
	var gt *GroupTopic
	for i := range commits {
		cm := &commits[i]
		if gt == nil || gt.topic.name != cm.Topic {
			at, ok := g.find(isolation, cm.Topic)
			if !ok {
				gt = nil
				continue
			}
			gt = g.topics[isolation][at]
			gt.fit()
		}
		if !gt.makeRoom(cm.Partition, room) {
			continue
		}
		if !gt.take(cm, call, read) {
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
func (gt *GroupTopic) makeRoom(id int32, room *int) bool {
	missing := int(id) + 1 - len(gt.parts)
	switch {
	case id < 0 || id >= MaxPartitions:
		return false
	case missing <= 0:
		return true
	case gt.users > 0 && len(gt.topic.ids) > 0 || missing > *room:
		return false
	}
	*room -= missing
	gt.grow(id)
	return true
}

// fit makes room for the topic's partitions, if anybody may read them, and forgets what was read in an earlier
// incarnation of the topic.
func (gt *GroupTopic) fit() {
	t := gt.topic
	if gt.incarnation != t.incarnation {
		gt.past = gt.commits()
		gt.parts, gt.errs, gt.probes, gt.ages, gt.done, gt.incarnation = nil, nil, nil, nil, nil, t.incarnation
	}
	if n := len(t.ids); n > 0 && gt.users > 0 {
		gt.grow(t.ids[n-1])
	}
}

// commits are the newest commits, by partition.
func (gt *GroupTopic) commits() []int64 {
	offsets := make([]int64, len(gt.parts))
	for id := range gt.parts {
		offsets[id] = lag.NoCommit
		if newest := gt.parts[id].newest; newest.read != 0 {
			offsets[id] = newest.offset
		}
	}
	return offsets
}

// at returns what is known of one partition, in this incarnation of the topic, and why the newest read of its commit failed.
func (gt *GroupTopic) at(id int32) (p positions, err error) {
	if gt.incarnation != gt.topic.incarnation {
		return positions{}, nil
	}
	if int(id) < len(gt.parts) {
		p = gt.parts[id]
	}
	if int(id) < len(gt.errs) {
		err = gt.errs[id]
	}
	return p, err
}

func (gt *GroupTopic) grow(id int32) {
	if missing := int(id) + 1 - len(gt.parts); missing > 0 {
		gt.parts = append(gt.parts, make([]positions, missing)...)
	}
}

// take takes in one commit and reports whether it was read well.
func (gt *GroupTopic) take(cm *lag.Commit, call, read Stamp) bool {
	if call <= gt.topic.born {
		return true // asked for when the topic may still have been another one
	}
	err := cm.Err
	if err == nil && cm.Offset < lag.NoCommit {
		err = unexpected("read the committed offset of", cm.String(), fmt.Errorf("offset %d", cm.Offset))
	}
	newest, failed := gt.parts[cm.Partition].newest, int(cm.Partition) < len(gt.errs) && gt.errs[cm.Partition] != nil
	epoch := gt.topic.epochs.of(cm.LeaderEpoch)
	same := newest.read != 0 && newest.offset == cm.Offset && newest.epoch == epoch
	gt.changed = gt.changed || failed != (err != nil) || err == nil && !same
	gt.errs = setErr(gt.errs, int(cm.Partition), len(gt.parts), err)
	if err != nil {
		return false
	}
	gt.takeDone(cm)
	next := position{offset: cm.Offset, asked: call, read: read, epoch: epoch}
	next.earlier = same && (newest.earlier || gt.topic.epochs.isOfEarlierLog(cm.Partition, newest)) || newest.read == 0 && gt.outlived(cm)
	gt.parts[cm.Partition].add(next, gt.topic.logs[gt.isolation].at(cm.Partition))
	return true
}

// outlived reports whether the first commit in a new incarnation of the topic is the last one of the incarnation before:
// coordinators forget the commits of a topic a while after it was deleted. One at 0 leaves nothing out.
func (gt *GroupTopic) outlived(cm *lag.Commit) bool {
	return cm.Offset > 0 && int(cm.Partition) < len(gt.past) && gt.past[cm.Partition] == cm.Offset
}

// takeAbsent notes that the partitions which the answer left out have no commit. Of a share group it notes that they
// are not known: the answer has a start offset for each partition that is shared, be it none.
func (gt *GroupTopic) takeAbsent(kind lag.GroupKind, failed map[lag.TopicPartition]bool, call, read Stamp) {
	gt.fit()
	for _, id := range gt.topic.ids {
		tp := lag.TopicPartition{Topic: gt.topic.name, Partition: id}
		if gt.parts[id].newest.read != read && !failed[tp] {
			absent := lag.Commit{TopicPartition: tp, Offset: lag.NoCommit, LeaderEpoch: lag.NoLeaderEpoch}
			if kind == lag.KindShare {
				absent.Err = leftOut(tp)
			}
			gt.take(&absent, call, read)
		}
	}
}

// discoveredEnough reports whether there are more topics already than any query may select: such a query is told so.
func (s *Store) discoveredEnough(g *Group) bool { return len(g.discovered) > s.opts.MaxTopicsPerQuery }

// noteDiscovered remembers the topics that a group has commits for.
func (s *Store) noteDiscovered(g *Group, commits []lag.Commit) {
	last := ""
	for i := range commits {
		cm := &commits[i]
		if cm.Topic == last || cm.Err == nil && cm.Offset < 0 {
			continue
		}
		last = cm.Topic
		delete(g.interests.neverCommitted, last)
		at, known := slices.BinarySearch(g.discovered, last)
		if known || !s.mayDiscover(last) || s.discoveredEnough(g) {
			continue
		}
		g.discovered = slices.Insert(g.discovered, at, last)
		s.selectDiscovered(g, last)
	}
}

func leftOut(tp lag.TopicPartition) error {
	return &fault.Error{
		Kind: fault.Unavailable, Op: "read the share-partition start offset of", Object: tp.String(),
		Err:    errors.New("the coordinator's answer leaves it out"),
		Remedy: "see what it says with kafka-share-groups --describe --offsets; if the group shares the topic no more, name those that it does with `topic`",
	}
}
