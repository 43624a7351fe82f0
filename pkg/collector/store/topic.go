package store

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

// MaxPartitions bounds what a broker's answer says of one topic, because ids become indexes. Large topics have
// some thousand partitions.
const MaxPartitions = 100_000

// Topic is what is known of one topic, whichever groups read it.
type Topic struct {
	name string
	id   [16]byte
	// ids are its partitions, ascending. The slice is replaced and never changed: requests hold it.
	ids []int32
	// incarnation counts recreations. What was read in an earlier incarnation is worth nothing, and what was asked for before
	// born, when the present one was learned of, may be of an earlier one.
	incarnation uint32
	born        Stamp
	epochs      epochs
	// fewer is one more than the number of partitions in the newest description, if that is less than there
	// were; else 0. Without an id, one such answer does not count.
	fewer int
	// logs are its log ends, stable ends and log starts, indexed by lag.Position.
	logs [3]logs

	// described is when it was last described well; asked when that was last tried, in the call describing.
	described, asked, describing Stamp
	// err is why the newest attempt failed; missing counts the answers in a row, since missingSince, by which
	// it does not exist.
	err          error
	missing      int
	missingSince Stamp
	// gone is set once that is certain: whoever did not name the topic may forget it.
	gone bool
	// stale asks for a description in the next refresh.
	stale bool

	// unreadable is why its records must not be read, and readable when that is tried again.
	unreadable error
	readable   Stamp

	// late is the newest call of those that brought log offsets late.
	late Stamp

	seq Sequence
	// visited and endsVisited tell whether a scope has it already, as a topic and by isolation.
	visited     uint64
	endsVisited [2]uint64
}

// describe takes in an answer about the topic, asked for at a stamp, and reports whether its partitions,
// or the certainty that there are none, changed.
func (t *Topic) describe(d lag.Topic, asked, now Stamp) bool {
	t.describing, t.stale, t.err = 0, false, d.Err
	if d.Err != nil {
		return t.miss(now)
	}
	t.missing, t.gone, t.described = 0, false, now
	ids := d.Partitions
	// Kafka numbers the partitions of a topic from 0, without a gap.
	if n := len(ids); n > 0 && (ids[0] != 0 || int(ids[n-1]) != n-1 || n > MaxPartitions) {
		t.err = unexpected("describe", fmt.Sprintf("topic %q", t.name), fmt.Errorf("%d partitions with ids %d to %d", n, ids[0], ids[n-1]))
		return false
	}
	recreated := t.recreated(d.ID)
	if len(ids) < len(t.ids) && !recreated && !t.shrinks(d) {
		return false
	}
	if recreated || len(ids) < len(t.ids) {
		t.incarnation++
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
func (t *Topic) recreated(id [16]byte) bool {
	var unknown [16]byte
	return t.id != id && t.id != unknown && id != unknown
}

// shrinks reports whether a description with fewer partitions than before counts. Topics never shrink: the same topic
// with fewer partitions is a broker's mistake, and where the id does not tell, one answer may be that too.
func (t *Topic) shrinks(d lag.Topic) bool {
	same := t.id == d.ID && d.ID != [16]byte{}
	again := t.fewer == len(d.Partitions)+1
	t.fewer, t.stale = len(d.Partitions)+1, !same
	return !same && again
}

// miss takes in a failure to describe the topic and reports whether it makes certain that there is none.
func (t *Topic) miss(now Stamp) bool {
	if fault.KindOf(t.err) != fault.NotFound {
		return false
	}
	if t.missing++; t.missing == 1 {
		t.missingSince = now
	}
	before := t.gone
	t.gone = t.missing >= goneAnswers && now-t.missingSince >= Stamp(goneAfter)
	return t.gone != before
}

// missingOrDenied reports whether the brokers say that there is nothing to read, or
// not for us. That nobody answers says nothing about the topic.
func (t *Topic) missingOrDenied() bool {
	if t.err == nil {
		return false
	}
	kind := fault.KindOf(t.err)
	return kind == fault.NotFound || kind == fault.Denied
}

func unexpected(op, object string, err error) error {
	return &fault.Error{
		Kind: fault.Unavailable, Op: op, Object: object, Err: fmt.Errorf("the broker's answer makes no sense: %w", err),
		Remedy: "look at the brokers' logs",
	}
}

// ErrNoAnswer is why there is no number where a call of the source has left something out, against its contract.
var ErrNoAnswer = errors.New("the read ended without an answer")

// Topic returns the topic of that name; nil where no query needs it.
func (s *Store) Topic(name string) *Topic { return s.topics[name] }
