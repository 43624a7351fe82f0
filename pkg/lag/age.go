package lag

import (
	"errors"
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Oldest is what is known of the oldest record that a group has not consumed in one
// partition: the first record at or after the commit, or after the log start where that
// is larger or there is no valid commit.
type Oldest struct {
	// Committed is the commit that it was found for, or [NoCommit]. It also counts, as an upper bound, while the
	// commit is a later one: the record that is oldest now is no older. It never counts for an earlier one.
	Committed int64
	// Timestamp is the record's, to within Accuracy either way; the zero time where it is not known. It is the
	// broker's time where the topic has LogAppendTime. Where a producer's clock is known to be wrong, a time at
	// which the log was seen to end before the record is the better one.
	Timestamp time.Time
	// Accuracy is how far Timestamp may be from the truth; at least 0.
	Accuracy time.Duration
	// ObservedAt is when it was found out. It grows too old as offsets do.
	ObservedAt time.Time
	// Err says why Timestamp is not known; nil where it is.
	Err error
}

const (
	// clockSkew is how far a timestamp may be ahead of our clock and still be a record of just now. A producer's
	// clock that is further ahead says nothing about the age, nor do the timestamps behind that record.
	clockSkew = 10 * time.Second
	// leastAge is the age of a record that is as good as new: there is something to do, so it is not 0.
	leastAge = time.Millisecond
	// wakeAge is what a partition without a valid commit counts under latest, in time as in records: 1.
	wakeAge = time.Second
)

// measureAges fills in the ages of a report whose lag is measured.
func (rules Rules) measureAges(r *Report, now time.Time) {
	var valueUnknown, activationUnknown int
	for i := range r.Partitions {
		p := &r.Partitions[i]
		p.Age, p.AgeErr = rules.age(p, now)
		if p.AgeErr != nil {
			p.Age = -1
			activationUnknown++
			if p.Lag > 0 {
				valueUnknown++
			}
			continue
		}
		r.ActivationAge = max(r.ActivationAge, p.Age)
		if p.Lag > 0 {
			r.Age = max(r.Age, p.Age)
		}
	}
	if activationUnknown == 0 {
		return
	}
	r.ActivationAgeErr = r.ageUnknown(activationUnknown, func(*Partition) bool { return true })
	if valueUnknown > 0 {
		r.AgeErr = r.ageUnknown(valueUnknown, func(p *Partition) bool { return p.Lag > 0 })
	}
}

// age is how old the partition's oldest unconsumed record is.
func (rules Rules) age(p *Partition, now time.Time) (time.Duration, error) {
	o := p.Oldest
	switch {
	case p.Err != nil:
		return 0, unknownAge(p, p.Err, "")
	case p.ActivationLag == 0:
		return 0, nil
	case p.Reason == ReasonNoCommitLatest, p.reset() && rules.ResetPolicy != Earliest:
		return wakeAge, nil
	case o == nil:
		return 0, unknownAge(p, errNoTimestamp, remedyUnknown)
	case o.Err != nil:
		return 0, unknownAge(p, o.Err, "use lagThreshold, which needs no timestamps")
	case o.Timestamp.IsZero() || o.Committed > p.Committed || (p.CommitOfEarlierLog && o.Committed != NoCommit):
		return 0, unknownAge(p, errNoTimestamp, remedyUnknown)
	case now.Sub(o.ObservedAt) > rules.MaxAge:
		return 0, unknownAge(p, fmt.Errorf("the timestamp of its oldest unconsumed record was read %s ago, longer than the maxSnapshotAge of %s",
			now.Sub(o.ObservedAt).Round(time.Millisecond), rules.MaxAge), remedyUnknown)
	}
	age := now.Sub(o.Timestamp)
	if age < -clockSkew {
		return 0, unknownAge(p, fmt.Errorf("its oldest unconsumed record is from %s in the future", (-age).Round(time.Millisecond)),
			"correct the producer's clock, or set message.timestamp.type=LogAppendTime on the topic")
	}
	return max(leastAge, age), nil
}

func unknownAge(p *Partition, why error, remedy string) *fault.Error {
	e := &fault.Error{Kind: fault.Unavailable, Op: opAge, Object: p.String(), Err: why, Remedy: remedy}
	if cause, ok := errors.AsType[*fault.Error](why); ok {
		e.Kind = cause.Kind
		if cause.Remedy != "" {
			e.Remedy = ""
		}
	}
	return e
}

// ageUnknown sums up the n partitions among those wanted whose age is not known.
func (r *Report) ageUnknown(n int, wanted func(*Partition) bool) error {
	failed := make([]failure, 0, n)
	for i := range r.Partitions {
		if p := &r.Partitions[i]; p.AgeErr != nil && wanted(p) {
			f := failure{partition: p.TopicPartition, err: p.AgeErr}
			if p.Oldest != nil {
				f.cause = p.Oldest.Err
			}
			failed = append(failed, f)
		}
	}
	return summarize(opAge, failed, len(r.Partitions))
}

const opAge = "compute the time lag of"

var errNoTimestamp = errors.New("the timestamp of its oldest unconsumed record was never read")
