package store

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

const (
	// maxPhantomLag is the largest lag whose log is probed, in offsets. A lag that is all markers, aborted
	// records and gaps has rarely more than one transaction's.
	maxPhantomLag = 5000
	// standsStill is in how many refreshes in a row a commit must have been the same.
	standsStill = 2
	// QuietFor is how long a commit must not have moved for its group to count as one that stands still, so
	// that the first lag behind it is probed at once. Consumers commit every 5 s if nobody has told them otherwise.
	QuietFor = 10 * time.Second
	// maxProbeTries is how often a range is asked for that one answer does not cover, which is more than
	// once in a refresh. A large aborted transaction takes several; each sees 64 KB.
	maxProbeTries = 32
	// maxLooksAtOnce bounds what one refresh asks for.
	maxProbesAtOnce = 1000
	// unreadableFor is how long a topic whose records must not be read is left alone.
	unreadableFor = 10 * time.Minute
)

// probe is what reading a log has shown, from one commit of one group on.
type probe struct {
	committed, end int64
	// still is in how many refreshes the commit was the same, with lag behind it.
	still int
	// clear is the offset up to which no record was seen, record whether there is one there.
	clear  int64
	record bool
	tries  int
	// unclear says that the newest try came on, but not to an end.
	unclear bool
	// pending is the call that owes an answer.
	pending Stamp
	// inspection is what is known for committed and end; nil for nothing.
	inspection *lag.Inspection
}

// inspection is what is known of the partition's log; nil for nothing.
func (gt *GroupTopic) inspection(id int32) *lag.Inspection {
	if l := gt.probes[id]; l != nil && gt.incarnation == gt.topic.incarnation {
		return l.inspection
	}
	return nil
}

// aim brings the probe in line with the offsets, and reports whether it has to be made.
func (l *probe) aim(t *Topic, commit, start, end int64, now Stamp) bool {
	from := max(commit, start)
	if l.committed != commit || start > l.clear || end < l.clear {
		*l = probe{committed: commit, clear: from}
	}
	l.still++
	if l.end != end {
		l.end, l.tries, l.inspection = end, 0, nil
	}
	switch {
	case l.ended() || l.pending != 0:
		return false
	case t.unreadable != nil && now < t.readable:
		l.inspection = &lag.Inspection{Committed: commit, LogEnd: end, Err: t.unreadable}
		return false
	}
	return l.still >= standsStill && l.tries < maxProbeTries
}

// ended reports whether there is no more to see as long as the offsets are the same.
func (l *probe) ended() bool { return l.inspection != nil && l.inspection.Err == nil || l.record }

// claimedProbe is a probe that a call owes an answer for.
type claimedProbe struct {
	*probe
	gt *GroupTopic
	// end is the log end up to which the call was asked to read.
	end int64
}

// Probes are those of one call, which reads logs as consumers of one isolation level do.
type Probes struct {
	isolation lag.Position
	id        Stamp
	asks      []lag.Look
	claimed   map[lag.TopicPartition]claimedProbe
}

// NewProbes returns the probes of a call that are still to be surveyed.
func NewProbes(isolation lag.Position) *Probes {
	return &Probes{isolation: isolation, claimed: map[lag.TopicPartition]claimedProbe{}}
}

// Asks are the requests of the first round.
func (due *Probes) Asks() []lag.Look { return due.asks }

// Next returns those of the probes that have come on, but not to an end: the requests of the next round.
func (due *Probes) Next() (asks []lag.Look) {
	for tp, claim := range due.claimed {
		if claim.unclear && claim.pending == 0 && claim.gt.probes[tp.Partition] == claim.probe && claim.clear < claim.end {
			claim.unclear, claim.pending = false, due.id
			asks = append(asks, lag.Look{TopicPartition: tp, From: claim.clear, To: claim.end})
		}
	}
	return asks
}

// SurveyProbes adds to due the partitions whose log the call is to probe: those where a small
// lag stands still. A probe that showed a record is not made again before the commit moves. One
// that showed none is made again for every new log end. SurveyProbes returns until when there
// will be nothing to do unless something changes: 0 where there is something now.
func (s *Store) SurveyProbes(gt *GroupTopic, due *Probes, id, now Stamp) (until Stamp) {
	due.id = id
	t := gt.topic
	gt.fit()
	first := gt.probes == nil
	if first {
		gt.probes = map[int32]*probe{}
	}
	next := ForGood
	for _, id := range t.ids {
		end := t.logs[gt.isolation].at(id)
		commit := gt.parts[id].fitting(end)
		start := t.logs[lag.Start].at(id).known()
		n := end.offset - max(commit.offset, start)
		if commit.read == 0 || commit.counts() < 0 || n <= 0 || n > maxPhantomLag {
			if len(gt.probes) > 0 {
				delete(gt.probes, id)
			}
			continue
		}
		l := gt.probes[id]
		if l == nil {
			l = &probe{committed: lag.NoCommit}
			gt.probes[id] = l
			// A workload that sleeps must not be woken because the scaler was started, nor by a transaction that is
			// aborted while it sleeps.
			if first || now-gt.parts[id].movedAt >= Stamp(QuietFor) {
				l.still = standsStill
				l.committed, l.clear = commit.offset, max(commit.offset, start)
			}
		}
		if l.aim(t, commit.offset, start, end.offset, now) {
			due.claim(gt, id, l, end.offset)
		}
		if !l.ended() {
			next = 0
		}
	}
	return next
}

// claim adds a probe to those to make. Of two groups that stand in one log, the other has to wait.
func (due *Probes) claim(gt *GroupTopic, id int32, l *probe, end int64) {
	tp := lag.TopicPartition{Topic: gt.topic.name, Partition: id}
	if _, taken := due.claimed[tp]; taken || len(due.asks) >= maxProbesAtOnce {
		return
	}
	l.pending = due.id
	due.claimed[tp] = claimedProbe{probe: l, gt: gt, end: end}
	due.asks = append(due.asks, lag.Look{TopicPartition: tp, From: l.clear, To: end})
}

// Miss lets go of a probe that was not answered.
func (due *Probes) Miss(ask lag.Look) {
	if claim := due.claimed[ask.TopicPartition]; claim.probe != nil && claim.pending == due.id {
		claim.pending = 0
	}
}

// TakeSight takes in an answer.
func (s *Store) TakeSight(seen *lag.Sight, from *Probes, now Stamp) {
	claim, ok := from.claimed[seen.TopicPartition]
	l := claim.probe
	if !ok || l.pending != from.id || claim.gt.probes[seen.Partition] != l {
		return
	}
	readCommitted := from.isolation == lag.StableEnd
	l.pending, l.unclear = 0, false
	if seen.Err == nil && !seen.Taken {
		return
	}
	l.tries++
	switch {
	case seen.Err != nil:
		s.noteUnreadable(claim.gt.topic, seen.Err, now)
		l.inspection = &lag.Inspection{Committed: l.committed, LogEnd: claim.end, ReadCommitted: readCommitted, Err: seen.Err}
	default:
		l.unclear = seen.Clear > l.clear && !seen.Empty && !seen.Record && l.tries < maxProbeTries
		l.clear, l.record = max(l.clear, seen.Clear), seen.Record
		if seen.Empty || seen.Record || l.tries >= maxProbeTries {
			l.inspection = &lag.Inspection{Committed: l.committed, LogEnd: claim.end, ReadCommitted: readCommitted, Empty: seen.Empty}
		}
	}
	s.note(&claim.gt.group.seq, true)
}

// noteUnreadable remembers that a topic's records must not be read, and says so once.
func (s *Store) noteUnreadable(t *Topic, err error, now Stamp) {
	if fault.KindOf(err) != fault.Denied {
		return
	}
	if t.unreadable == nil {
		s.tell(RecordsUnreadable, t.name, err)
	}
	t.unreadable, t.readable = err, now+Stamp(unreadableFor)
}

// takeWake takes in what a wait has shown, as if a probe had: that nothing which the group has not taken holds a
// record. A wait shows nothing of what lies before the offset that was waited at.
func (gt *GroupTopic) takeWake(w *lag.LogWake) {
	p, _ := gt.at(w.Partition)
	commit := p.fitting(gt.topic.logs[gt.isolation].at(w.Partition))
	if gt.probes == nil || commit.read == 0 || commit.counts() < 0 || commit.offset >= w.End {
		return
	}
	l := gt.probes[w.Partition]
	if l != nil && (l.committed != commit.offset || l.pending != 0 || l.record) {
		return
	}
	if max(commit.offset, w.Start) < w.From && (l == nil || l.clear < w.From) {
		return
	}
	gt.probes[w.Partition] = &probe{
		committed: commit.offset, end: w.End, clear: w.End, still: standsStill,
		inspection: &lag.Inspection{Committed: commit.offset, LogEnd: w.End, ReadCommitted: gt.isolation == lag.StableEnd, Empty: true},
	}
}
