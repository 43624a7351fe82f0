package store

import (
	"fmt"
	"math"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// logs is one position of all partitions of a topic, indexed by partition id.
type logs struct {
	reads []logRead
	// errs is nil as long as no read has failed.
	errs []error
	// shorter are the logs whose end went back, and when the first such end was asked for; nil while there are none.
	shorter map[int32]Stamp
}

// logRead is the newest good read of one position of one partition.
type logRead struct {
	offset int64
	// epoch is that of the leader that told offset, or lag.NoLeaderEpoch.
	epoch int32
	// asked is when offset was asked for; pending is the call that owes a newer answer.
	asked, pending Stamp
	// woken is when a wait told of offset; zero where it was read.
	woken Stamp
}

// known is the offset, or lag.Unknown.
func (r logRead) known() int64 {
	if r.asked == 0 {
		return lag.Unknown
	}
	return r.offset
}

// fit makes room for the partitions.
func (l *logs) fit(ids []int32) {
	if n := len(ids); n > 0 && int(ids[n-1]) >= len(l.reads) {
		l.reads = append(l.reads, make([]logRead, int(ids[n-1])+1-len(l.reads))...)
	}
}

func (l *logs) at(id int32) logRead {
	if id >= 0 && int(id) < len(l.reads) {
		return l.reads[id]
	}
	return logRead{}
}

func (l *logs) err(id int32) error {
	if int(id) < len(l.errs) {
		return l.errs[id]
	}
	return nil
}

func (l *logs) setErr(id int32, err error) {
	l.errs = setErr(l.errs, int(id), len(l.reads), err)
}

// setErr sets one error of a slice that exists only once there is an error to keep.
func setErr(errs []error, i, n int, err error) []error {
	if len(errs) <= i {
		if err == nil {
			return errs
		}
		errs = append(errs, make([]error, max(n, i+1)-len(errs))...)
	}
	errs[i] = err
	return errs
}

// take takes in the answer to the call. It returns false where the call does not owe the partition, so that an
// answer given twice, or about an earlier incarnation of the topic, does nothing; changed is whether it differs from the
// answer before.
func (t *Topic) take(o lag.LogOffset, at lag.Position, call Stamp) (taken, changed bool) {
	l := &t.logs[at]
	if o.Partition < 0 || int(o.Partition) >= len(l.reads) || l.reads[o.Partition].pending != call {
		return false, false
	}
	r := &l.reads[o.Partition]
	r.pending = 0
	err := t.refuse(&o, at, call)
	changed = (l.err(o.Partition) == nil) != (err == nil) || err == nil && (r.asked == 0 || r.offset != o.Offset)
	l.setErr(o.Partition, err)
	if err != nil {
		t.stale = t.stale || fault.KindOf(err) == fault.NotFound
		return true, changed
	}
	if at != lag.Start && r.asked != 0 && o.Offset < r.offset {
		if call < r.woken {
			// A wait told of a greater end after this one had been asked for, and logs grow: this is the older one.
			r.asked = max(r.asked, call)
			return true, false
		}
		t.truncated(o.Partition)
	}
	r.offset, r.asked, r.epoch = o.Offset, max(r.asked, call), t.epochs.of(o.LeaderEpoch)
	return true, changed
}

// refuse returns why an answer is none; nil where it may be taken.
func (t *Topic) refuse(o *lag.LogOffset, at lag.Position, call Stamp) error {
	switch {
	case o.Err != nil:
		return o.Err
	case o.Offset < 0:
		return unexpected("read the "+at.String()+" of", o.String(), fmt.Errorf("offset %d", o.Offset))
	case at == lag.Start:
		return nil
	}
	return t.refuseEnd(&t.logs[at], o, call)
}

// refuseEnd returns why a log end is no answer, or none yet; the topic is then described in the next refresh.
func (t *Topic) refuseEnd(l *logs, o *lag.LogOffset, call Stamp) error {
	r := l.reads[o.Partition]
	if err := t.epochs.refuse(o, r, call); err != nil {
		t.stale = true
		return err
	}
	if r.asked == 0 || o.Offset >= r.offset || call < r.woken || t.epochs.of(o.LeaderEpoch) > r.epoch && r.epoch >= 0 || t.id == [16]byte{} {
		delete(l.shorter, o.Partition)
		return nil
	}
	// A log that is shorter than before was truncated, or is another one: then the commits that it would be compared
	// with are of no use. The id tells, in a description asked for later.
	since, known := l.shorter[o.Partition]
	if known && t.epochs.asked > since {
		delete(l.shorter, o.Partition)
		return nil
	}
	if !known {
		if l.shorter == nil {
			l.shorter = map[int32]Stamp{}
		}
		l.shorter[o.Partition] = call
	}
	t.stale = true
	return &fault.Error{
		Kind: fault.Unavailable, Op: "read the log end offset of", Object: o.String(),
		Err:    fmt.Errorf("it went back from %d to %d, and whether the topic was created again is not known yet", r.offset, o.Offset),
		Remedy: "wait for the next refresh",
	}
}

// truncated notes that a log has lost its end, or was created again: its start is another one too.
func (t *Topic) truncated(id int32) {
	t.stale = true
	if starts := &t.logs[lag.Start]; int(id) < len(starts.reads) {
		starts.reads[id] = logRead{}
	}
}

// LogScope are the topics that one position of the log is read of, and the requests for it.
type LogScope struct {
	topics []*Topic
	asks   []lag.TopicPartitions
}

// add adds partitions of a topic; ids is kept.
func (l *LogScope) add(t *Topic, ids []int32) {
	if len(ids) > 0 {
		l.topics = append(l.topics, t)
		l.asks = append(l.asks, lag.TopicPartitions{Topic: t.name, Partitions: ids})
	}
}

// Claim marks the partitions as owed by the call, but for those that an earlier call
// still owes, and returns the requests and how many partitions they name.
func (l *LogScope) Claim(at lag.Position, id Stamp) (asks []lag.TopicPartitions, n int) {
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
func (l *logs) claim(ids []int32, id Stamp) []int32 {
	free := ids
	copied := false
	for i, p := range ids {
		// A topic created again since the request was composed may have fewer partitions.
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

// TakeLog takes in what the call says about one partition of a topic, and reports whether the
// call owed it. A late answer comes when nobody waits for the call any more. shrunk says that
// the log seems to have become shorter: those who sleep would wait long for the next refresh.
func (s *Store) TakeLog(t *Topic, o lag.LogOffset, at lag.Position, id Stamp, late bool) (taken, shrunk bool) {
	if t == nil {
		return false, false
	}
	l := &t.logs[at]
	before, shorter := l.at(o.Partition).asked, len(l.shorter)
	taken, changed := t.take(o, at, id)
	if !taken {
		return false, false
	}
	if late {
		t.late = max(t.late, id)
	}
	// A log end that comes late may be the same and yet fit another commit than the one shown so far, and so may
	// the one after it, which is the first to fit the commits that were read meanwhile.
	s.note(&t.seq, changed || late || before != 0 && before <= t.late)
	return true, len(l.shorter) > shorter
}

// SurveyStarts adds to due the partitions whose log start is due, and brings up to date since
// when each commit stands still, and which ones are of an earlier log. It returns until when there
// will be nothing to do unless something changes: 0 where there is something now.
func (s *Store) SurveyStarts(gt *GroupTopic, due *LogScope, now Stamp) (until Stamp) {
	t := gt.topic
	gt.fit()
	starts := &t.logs[lag.Start]
	starts.fit(t.ids)
	next, ahead := ForGood, 0
	var ids []int32
	for _, id := range t.ids {
		end, start, p := t.logs[gt.isolation].at(id), &starts.reads[id], &gt.parts[id]
		p.keepStalled(s, end, *start)
		if p.judge(&t.epochs, id) {
			s.note(&gt.group.seq, true)
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
		again := start.asked + Stamp(s.opts.StartInterval)
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
	due.add(t, ids)
	gt.ahead = ahead
	return next
}

// ForGood is the stamp until which there is nothing to do where only a change brings something.
const ForGood = Stamp(math.MaxInt64)

// SurveyHighWatermarks adds to due the partitions of readers of committed records whose high
// watermark lag depends on too: one that was asked for when the last stable offset had been received.
func (gt *GroupTopic) SurveyHighWatermarks(due *LogScope) {
	if gt.isolation != lag.StableEnd {
		return
	}
	t := gt.topic
	var ids []int32
	for _, id := range t.ids {
		stable := t.logs[lag.StableEnd].at(id)
		p, _ := gt.at(id)
		commit := p.fitting(stable)
		if commit.read != 0 && gt.needsHighWatermark(commit.offset, stable) && t.logs[lag.End].at(id).asked < stable.asked {
			ids = append(ids, id)
		}
	}
	due.add(t, ids)
}

// needsHighWatermark reports whether lag depends on the high watermark too, given
// the commit and the last stable offset: whether records of an open transaction
// lie behind the commit, or no record at all, only that tells.
func (gt *GroupTopic) needsHighWatermark(committed int64, stable logRead) bool {
	return gt.isolation == lag.StableEnd && committed > stable.offset
}
