package collector

import (
	"context"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// ends reads the log ends of the scope's partitions, for one kind of reader.
func (c *Collector) ends(s *scope, at lag.Position) step[lag.TopicPartitions, lag.LogOffset] {
	read := c.logs(at)
	read.claim = func(id stamp) ([]lag.TopicPartitions, int) { return claimLogs(&s.ends[at], at, id) }
	return read
}

// starts reads the log starts that lag depends on and that are due. On the
// way, it brings up to date since when each commit stands still.
func (c *Collector) starts(s *scope) step[lag.TopicPartitions, lag.LogOffset] {
	var due logScope
	read := c.logs(lag.Start)
	read.survey = func(i int, _ stamp) { c.collectStarts(s.tracked[i], &due) }
	read.claim = func(id stamp) ([]lag.TopicPartitions, int) { return claimLogs(&due, lag.Start, id) }
	return read
}

// logs reads one position of partitions that are still to be claimed.
func (c *Collector) logs(at lag.Position) step[lag.TopicPartitions, lag.LogOffset] {
	var t *topic // that of the answer before, and most often of the next
	return step[lag.TopicPartitions, lag.LogOffset]{
		ask: func(ctx context.Context, asks []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
			c.source.LogOffsets(ctx, at, asks, deliver)
		},
		take: func(cl *call, answer *lag.LogOffset) {
			c.noteAnswer(answer.Err)
			if t == nil || t.name != answer.Topic {
				t = c.topics[answer.Topic]
			}
			c.takeLog(cl, t, *answer, at)
		},
		miss: func(cl *call, ask lag.TopicPartitions) {
			t := c.topics[ask.Topic]
			for _, p := range ask.Partitions {
				tp := lag.TopicPartition{Topic: ask.Topic, Partition: p}
				c.takeLog(cl, t, lag.LogOffset{TopicPartition: tp, Err: errNoAnswer}, at)
			}
		},
	}
}

// claimLogs marks the partitions as owed by the call, but for those that an
// earlier call still owes, and returns the requests and how many partitions they name.
func claimLogs(l *logScope, at lag.Position, id stamp) (asks []lag.TopicPartitions, n int) {
	asks = l.asks
	copied := false
	for i, t := range l.topics {
		logs := &t.logs[at]
		logs.fit(t.ids)
		free := logs.claim(l.asks[i].Partitions, id)
		n += len(free)
		switch whole := len(free) == len(l.asks[i].Partitions); {
		case whole && !copied:
			continue
		case !copied:
			// From the first that differs on, the requests are not those composed any more.
			asks = append(make([]lag.TopicPartitions, 0, len(l.asks)), l.asks[:i]...)
			copied = true
		}
		if len(free) > 0 {
			asks = append(asks, lag.TopicPartitions{Topic: t.name, Partitions: free})
		}
	}
	return asks, n
}

// claim marks those of the partitions that no call owes and returns them: ids itself, where it is all of them.
func (l *logs) claim(ids []int32, id stamp) []int32 {
	free := ids
	copied := false
	for i, p := range ids {
		// A topic made anew since the request was composed may have fewer partitions.
		if int(p) >= len(l.reads) || l.reads[p].pending != 0 {
			if !copied {
				free = append(make([]int32, 0, len(ids)), ids[:i]...)
				copied = true
			}
			continue
		}
		l.reads[p].pending = id
		if copied {
			free = append(free, p)
		}
	}
	return free
}

// takeLog takes in one answer. The caller holds mu.
func (c *Collector) takeLog(cl *call, t *topic, o lag.LogOffset, at lag.Position) {
	if t == nil {
		return
	}
	before := t.logs[at].at(o.Partition).asked
	taken, moved := t.take(o, at, cl.id)
	if !taken {
		return
	}
	cl.owed--
	if t.shrunk && c.push != nil {
		signal(c.push.nudge) // those who sleep would wait long for the next refresh
	}
	t.shrunk = false
	if cl.late {
		t.late = max(t.late, cl.id)
	}
	// A log end that comes late may be the same and yet fit another commit than the one shown so far, and so may
	// the one after it, which is the first to fit the commits that were read meanwhile.
	c.note(&t.seq, moved || cl.late || before != 0 && before <= t.late)
}

// collectStarts adds the partitions whose log start is due. The caller holds mu.
func (c *Collector) collectStarts(tr *tracked, due *logScope) {
	if tr.noStarts.lasts(c, tr) {
		return
	}
	t := tr.topic
	tr.fit()
	starts := &t.logs[lag.Start]
	starts.fit(t.ids)
	now := c.now()
	next, ahead := forGood, 0
	var ids []int32
	for _, id := range t.ids {
		end, start, p := t.logs[tr.kind].at(id), &starts.reads[id], &tr.parts[id]
		p.keepStalled(c, end, *start)
		if p.judge(&t.epochs, id) {
			c.note(&tr.group.seq, true)
		}
		if p.ahead(end) {
			// What the cluster says of the topic tells which of the two is old.
			t.epochs.suspect(id, end.epoch, end.asked)
			t.stale, next = true, 0
			ahead++
		}
		commit := p.fitting(end)
		if commit.read == 0 || !needsStart(commit.counts(), end.offset) {
			continue
		}
		again := start.asked + stamp(c.opts.StartInterval)
		switch {
		case start.pending != 0:
			next = 0
		case start.asked == 0 || now >= again:
			ids = append(ids, id)
			next = 0
		default:
			next = min(next, again)
		}
	}
	if len(ids) > 0 {
		due.topics = append(due.topics, t)
		due.asks = append(due.asks, lag.TopicPartitions{Topic: t.name, Partitions: ids})
	}
	tr.ahead = ahead
	tr.noStarts.begin(c, tr, next)
}
