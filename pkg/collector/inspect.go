package collector

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Inspector is a [Source] that can also look into logs. pkg/kafka's Client is one.
type Inspector interface {
	// Inspect looks whether there is any record in the ranges, with the eyes of consumers that read
	// committed or of those that do not. It delivers a sight for each, as the methods of Source do; one that
	// was not taken may be asked for again.
	Inspect(ctx context.Context, readCommitted bool, looks []lag.Look, deliver func([]lag.Sight))
}

const (
	// maxPhantomLag is the largest lag that is looked into, in offsets. A lag that is all markers, aborted
	// records and gaps has rarely more than one transaction's.
	maxPhantomLag = 5000
	// standsStill is in how many refreshes in a row a commit must have been the same.
	standsStill = 2
	// quietFor is how long a commit must not have moved for its group to count as one that stands still, so
	// that the first lag behind it is looked into at once. Consumers commit every 5 s if nobody has told them otherwise.
	quietFor = 10 * time.Second
	// maxLookTries is how often a range is asked for that is not seen at once, and maxLookRounds how often in one
	// refresh. A large aborted transaction takes several; each sees 64 KB.
	maxLookTries  = 32
	maxLookRounds = 8
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
	pending stamp
	// found is what is known for committed and end; nil for nothing.
	found *lag.Inspection
}

// inspection is what is known of the partition's log; nil for nothing. The caller holds the collector's mu.
func (tr *tracked) inspection(id int32) *lag.Inspection {
	if l := tr.looks[id]; l != nil && tr.life == tr.topic.life {
		return l.found
	}
	return nil
}

// aim brings the look in line with the offsets, and reports whether it has to be taken.
func (l *look) aim(t *topic, commit, start, end int64, now stamp) bool {
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
	tr *tracked
	// end is that which the look was taken up to.
	end int64
}

// looking is one call of the inspector to be.
type looking struct {
	id      stamp
	asks    []lag.Look
	claimed map[lag.TopicPartition]claimedLook
}

// looks looks into the logs where a small lag stands still: whether it is work
// at all. A look is taken once for a commit, and not again before the commit moves
// if it showed a record; if it showed none, once for every log end.
func (c *Collector) looks(s *scope, kind lag.Position) step[lag.Look, lag.Sight] {
	source, able := c.source.(Inspector)
	l := &looking{claimed: map[lag.TopicPartition]claimedLook{}}
	readCommitted := kind == lag.StableEnd
	look := step[lag.Look, lag.Sight]{
		claim: func(stamp) ([]lag.Look, int) { return l.asks, len(l.asks) },
		ask: func(ctx context.Context, asks []lag.Look, deliver func([]lag.Sight)) {
			for round := 0; len(asks) > 0 && round < maxLookRounds; round++ {
				var seen LookStats
				source.Inspect(ctx, readCommitted, asks, func(sights []lag.Sight) {
					seen.count(sights)
					deliver(sights)
				})
				c.opts.Observer.Looked(seen)
				asks = c.lookOn(l)
			}
		},
		take: func(_ *call, sight *lag.Sight) { c.takeSight(sight, l, readCommitted) },
		miss: func(_ *call, ask lag.Look) {
			if claim := l.claimed[ask.TopicPartition]; claim.pending == l.id {
				claim.pending = 0
			}
		},
	}
	if able && len(s.ends[kind].topics) > 0 {
		look.survey = func(i int, id stamp) {
			if tr := s.tracked[i]; tr.kind == kind && s.wants[i]&wantsLooks != 0 {
				l.id = id
				c.collectLooks(tr, l)
			}
		}
	}
	return look
}

// lookOn returns those of the looks that have come on, but not to an end.
func (c *Collector) lookOn(l *looking) (asks []lag.Look) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for tp, claim := range l.claimed {
		if claim.unclear && claim.pending == 0 && claim.tr.looks[tp.Partition] == claim.look && claim.clear < claim.end {
			claim.unclear, claim.pending = false, l.id
			asks = append(asks, lag.Look{TopicPartition: tp, From: claim.clear, To: claim.end})
		}
	}
	return asks
}

func (seen *LookStats) count(sights []lag.Sight) {
	for i := range sights {
		switch s := &sights[i]; {
		case s.Err != nil:
			seen.Failed++
		case s.Empty:
			seen.Empty++
		case s.Record:
			seen.Records++
		default:
			seen.Unclear++
		}
	}
}

// collectLooks adds the partitions whose log is to be looked into. The caller holds mu.
func (c *Collector) collectLooks(tr *tracked, due *looking) {
	if tr.noLooks.lasts(c, tr) {
		return
	}
	t := tr.topic
	tr.fit()
	first := tr.looks == nil
	if first {
		tr.looks = map[int32]*look{}
	}
	now, next := c.now(), forGood
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
			if first || now-tr.parts[id].moved >= stamp(quietFor) {
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
	tr.noLooks.begin(c, tr, next)
}

// claim adds a look to those to take. Of two groups that stand in one log, the other has to wait.
func (due *looking) claim(tr *tracked, id int32, l *look, end int64) {
	tp := lag.TopicPartition{Topic: tr.topic.name, Partition: id}
	if _, taken := due.claimed[tp]; taken || len(due.asks) >= maxLooksAtOnce {
		return
	}
	l.pending = due.id
	due.claimed[tp] = claimedLook{look: l, tr: tr, end: end}
	due.asks = append(due.asks, lag.Look{TopicPartition: tp, From: l.clear, To: end})
}

// takeSight takes in an answer. The caller holds mu.
func (c *Collector) takeSight(s *lag.Sight, from *looking, readCommitted bool) {
	claim, ok := from.claimed[s.TopicPartition]
	l := claim.look
	if !ok || l.pending != from.id || claim.tr.looks[s.Partition] != l {
		return
	}
	l.pending, l.unclear = 0, false
	if s.Err == nil && !s.Taken {
		return
	}
	l.tries++
	switch {
	case s.Err != nil:
		c.noteUnreadable(claim.tr.topic, s.Err)
		l.found = &lag.Inspection{Committed: l.committed, LogEnd: claim.end, ReadCommitted: readCommitted, Err: s.Err}
	default:
		l.unclear = s.Clear > l.clear && !s.Empty && !s.Record && l.tries < maxLookTries
		l.clear, l.record = max(l.clear, s.Clear), s.Record
		if s.Empty || s.Record || l.tries >= maxLookTries {
			l.found = &lag.Inspection{Committed: l.committed, LogEnd: claim.end, ReadCommitted: readCommitted, Empty: s.Empty}
		}
	}
	c.note(&claim.tr.group.seq, true)
}

// noteUnreadable remembers that a topic's records must not be read, and says so once. The caller holds mu.
func (c *Collector) noteUnreadable(t *topic, err error) {
	if fault.KindOf(err) != fault.Denied {
		return
	}
	if t.unreadable == nil {
		c.opts.Logger.Warn("phantom lag of the topic counts, because its records cannot be looked at",
			zap.String("cluster", c.opts.Cluster), zap.String("topic", t.name), zap.Error(err))
	}
	t.unreadable, t.readable = err, c.now()+stamp(unreadableFor)
}
