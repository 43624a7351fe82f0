package lag

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// How much of what is unknown an error tells. It ends up in an event on a ScaledObject,
// which the API server cuts at 1,024 bytes.
const (
	namedPartitions = 5
	namedCauses     = 3
	// searchedCauses bounds the search for causes that differ: in an outage every partition
	// of a large cluster is unknown, and nearly always for the same few reasons.
	searchedCauses = 100
)

const remedyUnknown = "run `kafka-scaler check` to see which step towards the cluster fails"

// stale returns why the offsets are no answer at now, or nil.
func (rules Rules) stale(o *Offsets, now time.Time) error {
	if o.ObservedAt.IsZero() {
		return unknownPartition(o, errors.New("its offsets were never read"))
	}
	if !rules.tooOld(o, now) {
		return nil
	}
	age := now.Sub(o.ObservedAt)
	return unknownPartition(o, fmt.Errorf("its offsets were read %s ago, longer than the maxSnapshotAge of %s",
		age.Round(time.Millisecond), rules.MaxAge))
}

// tooOld reports whether the offsets are no answer at now. Offsets never read are.
func (rules Rules) tooOld(o *Offsets, now time.Time) bool {
	return now.Sub(o.ObservedAt) > rules.MaxAge
}

// unknownPartition says that the lag of a partition is not known, why, and what the
// newest read of it met, if it failed.
func unknownPartition(o *Offsets, why error) *fault.Error {
	e := &fault.Error{Kind: fault.Unavailable, Op: "compute the lag of", Object: o.String(), Err: why}
	if o.Err != nil {
		e.Err = fmt.Errorf("%w, and the newest read failed: %w", why, o.Err)
	}
	// A cause that says what to do is not followed by a vaguer sentence of ours.
	var cause *fault.Error
	if errors.As(o.Err, &cause) {
		e.Kind = cause.Kind
	}
	if cause == nil || cause.Remedy == "" {
		e.Remedy = remedyUnknown
	}
	return e
}

// Unknown returns the partitions whose lag is not known, in the order of Partitions.
func (r Report) Unknown() []TopicPartition {
	var unknown []TopicPartition
	for i := range r.Partitions {
		if r.Partitions[i].Err != nil {
			unknown = append(unknown, r.Partitions[i].TopicPartition)
		}
	}
	return unknown
}

// unknown returns [Report.Err] for the partitions measured.
func (r *Report) unknown() error {
	if len(r.Partitions) == 0 {
		return &fault.Error{
			Kind: fault.Precondition, Op: "compute the lag", Err: errors.New("the trigger selects no partition"),
			Remedy: "name a topic that exists, a partitionLimitation that it has, or let the group commit once",
		}
	}
	var failed []failure
	for i := range r.Partitions {
		if p := &r.Partitions[i]; p.Err != nil {
			failed = append(failed, failure{partition: p.TopicPartition, err: p.Err, cause: p.Offsets.Err})
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return summarize("compute the lag of", failed, len(r.Partitions))
}

// failure is a partition of which something is not known: why, and what its newest read met, if that failed.
type failure struct {
	partition  TopicPartition
	err, cause error
}

// summarize makes one error of what failed in some of all partitions. There must be at least one.
func summarize(op string, failed []failure, all int) error {
	return &fault.Error{
		Kind: kindOf(failed), Op: op,
		Object: fmt.Sprintf("%d of %d partitions (%s)", len(failed), all, names(failed)),
		Err:    causesOf(failed),
		Remedy: remedyOf(failed),
	}
}

// kindOf is the kind that all failures share. Where they differ, waiting may help some of
// them, so that is what the answer says.
func kindOf(failed []failure) fault.Kind {
	kind := fault.KindOf(failed[0].err)
	for _, f := range failed[1:] {
		if fault.KindOf(f.err) != kind {
			return fault.Unavailable
		}
	}
	return kind
}

// remedyOf is that of the first failure, whose cause is the first told. It is empty where
// the cause brings its own.
func remedyOf(failed []failure) string {
	if e, ok := errors.AsType[*fault.Error](failed[0].err); ok {
		return e.Remedy
	}
	return ""
}

// causesOf collects the causes that differ, each with the first partition that has it.
func causesOf(failed []failure) error {
	var found []error
	var first []TopicPartition
	seen := make(map[string]bool, namedCauses)
	for _, f := range failed[:min(len(failed), searchedCauses)] {
		var e *fault.Error
		if !errors.As(f.err, &e) {
			continue
		}
		// Two partitions whose reads failed alike differ in age by milliseconds: that is one cause.
		key := e.Err.Error()
		if f.cause != nil {
			key = withoutObject(f.cause)
		}
		if !seen[key] {
			seen[key] = true
			found = append(found, e.Err)
			first = append(first, f.partition)
		}
		if len(found) == namedCauses {
			break
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	for i, err := range found {
		found[i] = fmt.Errorf("%s: %w", first[i], err)
	}
	return causes(found)
}

// withoutObject is the text of a failed read without the partition that it was about:
// a broker that is gone fails all of its partitions alike.
func withoutObject(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
}

// causes are several errors on one line.
type causes []error

func (c causes) Error() string {
	texts := make([]string, len(c))
	for i, err := range c {
		texts[i] = err.Error()
	}
	return strings.Join(texts, " | ")
}

func (c causes) Unwrap() []error { return c }

func names(failed []failure) string {
	parts := make([]TopicPartition, 0, namedPartitions)
	for _, f := range failed[:min(len(failed), namedPartitions)] {
		parts = append(parts, f.partition)
	}
	return nameFirst(parts, len(failed))
}

// nameFirst names those of all partitions that are given, as far as there is room.
func nameFirst(parts []TopicPartition, all int) string {
	named := make([]string, 0, namedPartitions)
	for _, tp := range parts[:min(len(parts), namedPartitions)] {
		named = append(named, tp.String())
	}
	text := strings.Join(named, ", ")
	if rest := all - len(named); rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}
