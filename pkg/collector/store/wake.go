package store

import "github.com/kafka-scaler/kafka-scaler/pkg/lag"

// Name is the topic's.
func (t *Topic) Name() string { return t.name }

// IDs are its partitions, ascending. The caller keeps them, and never changes them.
func (t *Topic) IDs() []int32 { return t.ids }

// Incarnation counts the topic's recreations. What was seen in an earlier incarnation is worth nothing.
func (t *Topic) Incarnation() uint32 { return t.incarnation }

// MissingOrDenied reports whether the brokers say that there is nothing to read, or not for us.
func (t *Topic) MissingOrDenied() bool { return t.missingOrDenied() }

// End is the log end of a partition that a group's positions are compared with, and when it was asked for:
// zero where it is not known.
func (gt *GroupTopic) End(partition int32) (offset int64, asked Stamp) {
	end := gt.topic.logs[gt.isolation].at(partition)
	return end.offset, end.asked
}

// TakeWake takes in what a wait has told of a partition, in an incarnation of its topic, as if it had
// been read, and reports whether its log has grown. Where the wait has shown that what is new
// holds no record, the groups of the listeners know that at once.
func (s *Store) TakeWake(w *lag.LogWake, isolation lag.Position, incarnation uint32, listeners []*Subscription, stamp Stamp) (grown bool) {
	t := s.topics[w.Topic]
	switch {
	case t == nil || t.incarnation != incarnation || w.Reason == lag.WakeUnclear:
		return false
	case w.Reason != lag.WakeGrown:
		t.stale = t.stale || w.Reason != lag.WakeDenied
		return false
	case !t.grow(w, isolation, stamp):
		return false
	}
	s.note(&t.seq, true)
	if w.Seen.Empty {
		t.showEmpty(w, isolation, listeners)
	}
	return true
}

// showEmpty tells the groups of those who wait that the new offsets hold no record.
func (t *Topic) showEmpty(w *lag.LogWake, isolation lag.Position, listeners []*Subscription) {
	for _, sub := range listeners {
		for _, gt := range sub.selected {
			if sub.Inspect && gt.topic == t && gt.isolation == isolation {
				gt.fit()
				gt.takeWake(w)
			}
		}
	}
}

// grow takes in a greater log end that a wait has told of.
//
// It counts as asked for when the end known so far was: logs only grow, so the
// moment at which the greater end was true came after the one at which the smaller
// was. So the commit that fits the end known so far fits this one too, however long
// the answer was on its way; a newer commit need not.
func (t *Topic) grow(w *lag.LogWake, isolation lag.Position, now Stamp) bool {
	l := &t.logs[isolation]
	if int(w.Partition) >= len(l.reads) {
		return false
	}
	r := &l.reads[w.Partition]
	if r.asked == 0 || w.End <= r.offset {
		return false
	}
	r.offset, r.woken = w.End, now
	l.setErr(w.Partition, nil)
	starts := &t.logs[lag.Start]
	starts.fit(t.ids)
	if start := &starts.reads[w.Partition]; w.Start >= 0 && (start.asked == 0 || w.Start > start.offset) {
		start.offset, start.asked = w.Start, max(start.asked, r.asked)
	}
	return true
}
