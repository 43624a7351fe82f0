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
	// life counts recreations. What was read in an earlier life is worth nothing.
	life uint32
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

	// unreadable is why its records must not be read, and readable when that is tried again.
	unreadable error
	readable   stamp

	// late is the newest call of those that brought log offsets late.
	late stamp

	// touched is the publication that shows its newest read, moved the one that shows its newest change.
	touched, moved uint64
	// mark and marks tell whether a scope has it already, as a topic and by isolation.
	mark  uint64
	marks [2]uint64
}

// describe takes in an answer about the topic and reports whether its partitions,
// or the certainty that there are none, changed.
func (t *topic) describe(d lag.Topic, now stamp) bool {
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
	var unknownID [16]byte
	sameID := t.id == d.ID && d.ID != unknownID
	recreated := t.id != d.ID && t.id != unknownID && d.ID != unknownID
	if len(ids) < len(t.ids) && sameID {
		// Topics never shrink. The same topic with fewer partitions is a broker's mistake.
		return false
	}
	if recreated || len(ids) < len(t.ids) {
		t.life++
		t.logs = [3]logs{}
	}
	t.id = d.ID
	if slices.Equal(ids, t.ids) {
		return recreated
	}
	t.ids = slices.Clone(ids)
	return true
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
}

// logRead is the newest good read of one position of one partition.
type logRead struct {
	offset int64
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
	err := o.Err
	if err == nil && o.Offset < 0 {
		err = unexpected("read the "+at.String()+" of", o.String(), fmt.Errorf("offset %d", o.Offset))
	}
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
	r.offset, r.asked = o.Offset, max(r.asked, call)
	return true, moved
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
