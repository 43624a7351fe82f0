package store

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

const (
	// maxPhantomLag is the largest lag that is looked into, in offsets. A lag that is all markers, aborted
	// records and gaps has rarely more than one transaction's.
	maxPhantomLag = 5000
	// standsStill is in how many refreshes in a row a commit must have been the same.
	standsStill = 2
	// QuietFor is how long a commit must not have moved for its group to count as one that stands still, so
	// that the first lag behind it is looked into at once. Consumers commit every 5 s if nobody has told them otherwise.
	QuietFor = 10 * time.Second
	// maxLookTries is how often a range is asked for that is not seen at once, which is more than
	// once in a refresh. A large aborted transaction takes several; each sees 64 KB.
	maxLookTries = 32
	// maxLooksAtOnce bounds what one refresh asks for.
	maxLooksAtOnce = 1000
	// unreadableFor is how long a topic whose records must not be read is left alone.
	unreadableFor = 10 * time.Minute
)

// look is what looking into a log showed, from one commit of one group on.
type look struct {
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
	// found is what is known for committed and end; nil for nothing.
	found *lag.Inspection
}

// inspection is what is known of the partition's log; nil for nothing.
func (tr *Tracked) inspection(id int32) *lag.Inspection {
	if l := tr.looks[id]; l != nil && tr.incarnation == tr.topic.incarnation {
		return l.found
	}
	return nil
}

// aim brings the look in line with the offsets, and reports whether it has to be taken.
func (l *look) aim(t *Topic, commit, start, end int64, now Stamp) bool {
	from := max(commit, start)
	if l.committed != commit || start > l.clear || end < l.clear {
		*l = look{committed: commit, clear: from}
	}
	l.still++
	if l.end != end {
		l.end, l.tries, l.found = end, 0, nil
	}
	switch {
	case l.ended() || l.pending != 0:
		return false
	case t.unreadable != nil && now < t.readable:
		l.found = &lag.Inspection{Committed: commit, LogEnd: end, Err: t.unreadable}
		return false
	}
	return l.still >= standsStill && l.tries < maxLookTries
}

// ended reports whether there is no more to see as long as the offsets are the same.
func (l *look) ended() bool { return l.found != nil && l.found.Err == nil || l.record }

// claimedLook is a look that a call owes an answer for.
type claimedLook struct {
	*look
	tr *Tracked
	// end is that which the look was taken up to.
	end int64
}

// Looks are those of one call, which looks into logs with the eyes of one kind of reader.
type Looks struct {
	kind    lag.Position
	id      Stamp
	asks    []lag.Look
	claimed map[lag.TopicPartition]claimedLook
}

// NewLooks returns the looks of a call that are still to be surveyed.
func NewLooks(kind lag.Position) *Looks {
	return &Looks{kind: kind, claimed: map[lag.TopicPartition]claimedLook{}}
}

// Asks are the requests of the first round.
func (due *Looks) Asks() []lag.Look { return due.asks }

// Next returns those of the looks that have come on, but not to an end: the requests of the next round.
func (due *Looks) Next() (asks []lag.Look) {
	for tp, claim := range due.claimed {
		if claim.unclear && claim.pending == 0 && claim.tr.looks[tp.Partition] == claim.look && claim.clear < claim.end {
			claim.unclear, claim.pending = false, due.id
			asks = append(asks, lag.Look{TopicPartition: tp, From: claim.clear, To: claim.end})
		}
	}
	return asks
}

// SurveyLooks adds to due the partitions whose log is to be looked into by the call: where a
// small lag stands still, whether it is work at all. A look is taken once for a commit, and not
// again before the commit moves if it showed a record; if it showed none, once for every log
// end. It returns until when there will be nothing to do unless something changes: 0 where there
// is something now.
func (s *Store) SurveyLooks(tr *Tracked, due *Looks, id, now Stamp) (until Stamp) {
	due.id = id
	t := tr.topic
	tr.fit()
	first := tr.looks == nil
	if first {
		tr.looks = map[int32]*look{}
	}
	next := ForGood
	for _, id := range t.ids {
		end := t.logs[tr.kind].at(id)
		commit := tr.parts[id].fitting(end)
		start := t.logs[lag.Start].at(id).known()
		n := end.offset - max(commit.offset, start)
		if commit.read == 0 || commit.counts() < 0 || n <= 0 || n > maxPhantomLag {
			if len(tr.looks) > 0 {
				delete(tr.looks, id)
			}
			continue
		}
		l := tr.looks[id]
		if l == nil {
			l = &look{committed: lag.NoCommit}
			tr.looks[id] = l
			// A workload that sleeps must not be woken because the scaler was started, nor by a transaction that is
			// aborted while it sleeps.
			if first || now-tr.parts[id].moved >= Stamp(QuietFor) {
				l.still = standsStill
				l.committed, l.clear = commit.offset, max(commit.offset, start)
			}
		}
		if l.aim(t, commit.offset, start, end.offset, now) {
			due.claim(tr, id, l, end.offset)
		}
		if !l.ended() {
			next = 0
		}
	}
	return next
}

// claim adds a look to those to take. Of two groups that stand in one log, the other has to wait.
func (due *Looks) claim(tr *Tracked, id int32, l *look, end int64) {
	tp := lag.TopicPartition{Topic: tr.topic.name, Partition: id}
	if _, taken := due.claimed[tp]; taken || len(due.asks) >= maxLooksAtOnce {
		return
	}
	l.pending = due.id
	due.claimed[tp] = claimedLook{look: l, tr: tr, end: end}
	due.asks = append(due.asks, lag.Look{TopicPartition: tp, From: l.clear, To: end})
}

// Miss lets go of a look that was not answered.
func (due *Looks) Miss(ask lag.Look) {
	if claim := due.claimed[ask.TopicPartition]; claim.look != nil && claim.pending == due.id {
		claim.pending = 0
	}
}

// TakeSight takes in an answer.
func (s *Store) TakeSight(seen *lag.Sight, from *Looks, now Stamp) {
	claim, ok := from.claimed[seen.TopicPartition]
	l := claim.look
	if !ok || l.pending != from.id || claim.tr.looks[seen.Partition] != l {
		return
	}
	readCommitted := from.kind == lag.StableEnd
	l.pending, l.unclear = 0, false
	if seen.Err == nil && !seen.Taken {
		return
	}
	l.tries++
	switch {
	case seen.Err != nil:
		s.noteUnreadable(claim.tr.topic, seen.Err, now)
		l.found = &lag.Inspection{Committed: l.committed, LogEnd: claim.end, ReadCommitted: readCommitted, Err: seen.Err}
	default:
		l.unclear = seen.Clear > l.clear && !seen.Empty && !seen.Record && l.tries < maxLookTries
		l.clear, l.record = max(l.clear, seen.Clear), seen.Record
		if seen.Empty || seen.Record || l.tries >= maxLookTries {
			l.found = &lag.Inspection{Committed: l.committed, LogEnd: claim.end, ReadCommitted: readCommitted, Empty: seen.Empty}
		}
	}
	s.note(&claim.tr.group.seq, true)
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

// takeWake takes in what a wait has shown on the way, as if it had been looked for: that nothing the group has
// not taken holds a record. It shows nothing of what lies before the offset that was waited at.
func (tr *Tracked) takeWake(w *lag.LogWake) {
	p, _ := tr.at(w.Partition)
	commit := p.fitting(tr.topic.logs[tr.kind].at(w.Partition))
	if tr.looks == nil || commit.read == 0 || commit.counts() < 0 || commit.offset >= w.End {
		return
	}
	l := tr.looks[w.Partition]
	if l != nil && (l.committed != commit.offset || l.pending != 0 || l.record) {
		return
	}
	if max(commit.offset, w.Start) < w.From && (l == nil || l.clear < w.From) {
		return
	}
	tr.looks[w.Partition] = &look{
		committed: commit.offset, end: w.End, clear: w.End, still: standsStill,
		found: &lag.Inspection{Committed: commit.offset, LogEnd: w.End, ReadCommitted: tr.kind == lag.StableEnd, Empty: true},
	}
}
