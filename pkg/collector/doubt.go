package collector

import (
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// A wait brings the beginning of what is new in a log. Where that is markers and
// aborted records only, nobody is to be woken for it; where it may be more, nobody
// may sleep on.

// doubt makes a wake that may be none a matter of the refresh: what the broker showed of the new offsets is
// markers and aborted records, but it did not show all of them. The refresh looks at the rest before it tells
// anybody; where some of those who wait get such records, or it cannot look, they are told all the same.
func (p *push) doubt(s *shard) {
	for i := range s.wakes {
		w := &s.wakes[i]
		if w.Reason != lag.WakeGrown || !w.Seen.Taken || w.Seen.Record || w.Seen.Empty {
			continue
		}
		wt := p.topics[waitKey{w.Topic, s.kind}]
		if wt != nil && !slices.ContainsFunc(wt.listeners, func(e *entry) bool { return !e.Inspect }) {
			w.Reason = lag.WakeUnclear
		}
	}
}

// showEmpty tells the groups of those who wait that the new offsets hold no record. The caller holds the collector's mu.
func (wt *waitTopic) showEmpty(t *topic, kind lag.Position, w *lag.LogWake) {
	for _, e := range wt.listeners {
		for _, tr := range e.tracked {
			if e.Inspect && tr.topic == t && tr.kind == kind {
				tr.fit()
				tr.takeWake(w)
			}
		}
	}
}

// takeWake takes in what a wait has shown on the way, as if it had been looked for: that nothing the group has
// not taken holds a record. It shows nothing of what lies before the offset that was waited at. The caller holds mu.
func (tr *tracked) takeWake(w *lag.LogWake) {
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
