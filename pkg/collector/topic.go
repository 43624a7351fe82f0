package collector

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// A topic counts as deleted, for those who did not name it, after this many
// answers in a row over this time that say so. A broker that has just started
// may answer from metadata that it has not caught up with.
const (
	goneAnswers = 3
	goneAfter   = 10 * time.Second
)

// maxPartitions bounds what a broker's answer says of one topic, because ids become indexes. Large topics have
// some thousand partitions.
const maxPartitions = 100_000

// topic is what is known of one topic, whichever groups read it.
type topic struct {
	name string
	id   [16]byte
	// ids are its partitions, ascending. The slice is replaced and never changed: requests hold it.
	ids []int32
	// life counts recreations. What was read in an earlier life is worth nothing, and what was asked for before
	// born, when the present one was learned of, may be of an earlier one.
	life   uint32
	born   stamp
	epochs epochs
	// fewer is one more than the number of partitions in the newest description, if that is less than there
	// were; else 0. Without an id, one such answer does not count.
	fewer int
	// logs are its log ends, stable ends and log starts, indexed by lag.Position.
	logs [3]logs

	// described is when it was last described well; asked when that was last tried, in the call describing.
	described, asked, describing stamp
	// err is why the newest attempt failed; missing counts the answers in a row, since missingSince, by which
	// it does not exist.
	err          error
	missing      int
	missingSince stamp
	// gone is set once that is certain: whoever did not name the topic may forget it.
	gone bool
	// stale asks for a description in the next refresh.
	stale bool

	// shrunk is set when one of its logs has just become shorter.
	shrunk bool

	// unreadable is why its records must not be read, and readable when that is tried again.
	unreadable error
	readable   stamp

	// late is the newest call of those that brought log offsets late.
	late stamp

	seq sequence
	// mark and marks tell whether a scope has it already, as a topic and by isolation.
	mark  uint64
	marks [2]uint64
}

// describe takes in an answer about the topic, asked for at a stamp, and reports whether its partitions,
// or the certainty that there are none, changed.
func (t *topic) describe(d lag.Topic, asked, now stamp) bool {
	t.describing, t.stale, t.err = 0, false, d.Err
	if d.Err != nil {
		return t.miss(now)
	}
	t.missing, t.gone, t.described = 0, false, now
	ids := d.Partitions
	// Kafka numbers the partitions of a topic from 0, without a gap.
	if n := len(ids); n > 0 && (ids[0] != 0 || int(ids[n-1]) != n-1 || n > maxPartitions) {
		t.err = unexpected("describe", fmt.Sprintf("topic %q", t.name), fmt.Errorf("%d partitions with ids %d to %d", n, ids[0], ids[n-1]))
		return false
	}
	recreated := t.recreated(d.ID)
	if len(ids) < len(t.ids) && !recreated && !t.shrinks(d) {
		return false
	}
	if recreated || len(ids) < len(t.ids) {
		t.life++
		t.born, t.logs, t.epochs = now, [3]logs{}, epochs{}
	}
	t.id, t.fewer = d.ID, 0
	if len(d.LeaderEpochs) != len(ids) {
		d.LeaderEpochs = nil
	}
	t.epochs.learn(d.LeaderEpochs, asked)
	if slices.Equal(ids, t.ids) {
		return recreated
	}
	t.ids = slices.Clone(ids)
	return true
}

// recreated reports whether the id is that of another topic of the same name.
func (t *topic) recreated(id [16]byte) bool {
	var unknown [16]byte
	return t.id != id && t.id != unknown && id != unknown
}

// shrinks reports whether a description with fewer partitions than before counts. Topics never shrink: the same topic
// with fewer partitions is a broker's mistake, and where the id does not tell, one answer may be that too.
func (t *topic) shrinks(d lag.Topic) bool {
	same := t.id == d.ID && d.ID != [16]byte{}
	again := t.fewer == len(d.Partitions)+1
	t.fewer, t.stale = len(d.Partitions)+1, !same
	return !same && again
}

// miss takes in a failure to describe the topic and reports whether it makes certain that there is none.
func (t *topic) miss(now stamp) bool {
	if fault.KindOf(t.err) != fault.NotFound {
		return false
	}
	if t.missing++; t.missing == 1 {
		t.missingSince = now
	}
	before := t.gone
	t.gone = t.missing >= goneAnswers && now-t.missingSince >= stamp(goneAfter)
	return t.gone != before
}

// missingOrDenied reports whether the brokers say that there is nothing to read, or
// not for us. That nobody answers says nothing about the topic.
func (t *topic) missingOrDenied() bool {
	if t.err == nil {
		return false
	}
	kind := fault.KindOf(t.err)
	return kind == fault.NotFound || kind == fault.Denied
}

// logs is one position of all partitions of a topic, indexed by partition id.
type logs struct {
	reads []logRead
	// errs is nil as long as no read has failed.
	errs []error
	// shorter are the logs whose end went back, and when the first such end was asked for; nil while there are none.
	shorter map[int32]stamp
}

// logRead is the newest good read of one position of one partition.
type logRead struct {
	offset int64
	// epoch is that of the leader that told offset, or lag.NoLeaderEpoch.
	epoch int32
	// asked is when offset was asked for; pending is the call that owes a newer answer.
	asked, pending stamp
	// woken is when a wait told of offset; zero where it was read.
	woken stamp
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
// answer given twice, or about an earlier life of the topic, does nothing; moved is whether it differs from the
// answer before.
func (t *topic) take(o lag.LogOffset, at lag.Position, call stamp) (taken, moved bool) {
	l := &t.logs[at]
	if o.Partition < 0 || int(o.Partition) >= len(l.reads) || l.reads[o.Partition].pending != call {
		return false, false
	}
	r := &l.reads[o.Partition]
	r.pending = 0
	err := t.refuse(&o, at, call)
	moved = (l.err(o.Partition) == nil) != (err == nil) || err == nil && (r.asked == 0 || r.offset != o.Offset)
	l.setErr(o.Partition, err)
	if err != nil {
		t.stale = t.stale || fault.KindOf(err) == fault.NotFound
		return true, moved
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
	return true, moved
}

// refuse returns why an answer is none; nil where it may be taken.
func (t *topic) refuse(o *lag.LogOffset, at lag.Position, call stamp) error {
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
func (t *topic) refuseEnd(l *logs, o *lag.LogOffset, call stamp) error {
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
			l.shorter = map[int32]stamp{}
		}
		l.shorter[o.Partition], t.shrunk = call, true
	}
	t.stale = true
	return &fault.Error{
		Kind: fault.Unavailable, Op: "read the log end offset of", Object: o.String(),
		Err:    fmt.Errorf("it went back from %d to %d, and whether the topic was created again is not known yet", r.offset, o.Offset),
		Remedy: "wait for the next refresh",
	}
}

// truncated notes that a log has lost its end, or was made anew: its start is another one too.
func (t *topic) truncated(id int32) {
	t.stale = true
	if starts := &t.logs[lag.Start]; int(id) < len(starts.reads) {
		starts.reads[id] = logRead{}
	}
}

func unexpected(op, object string, err error) error {
	return &fault.Error{
		Kind: fault.Unavailable, Op: op, Object: object, Err: fmt.Errorf("the broker's answer makes no sense: %w", err),
		Remedy: "look at the brokers' logs",
	}
}

var errNoAnswer = errors.New("the read ended without an answer")
