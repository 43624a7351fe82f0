package lag

import (
	"errors"
	"time"
)

// Compute applies the corrected rules to every partition, in the order of
// [Reason], and sums up. It never returns a negative lag, and it never takes what
// is not known for zero: see [Report.Err]. Offsets whose newest read failed still
// count while they are no older than rules.MaxAge at now.
//
// The report shares no memory with offsets but what never changes.
func Compute(rules Rules, offsets []Offsets, now time.Time) Report {
	return ComputeInto(nil, rules, offsets, now)
}

// ComputeInto is Compute with the report's partitions in memory that the caller has
// no other use for, as far as it suffices: for those who compute many reports and
// keep none. What is in it is overwritten.
func ComputeInto(room []Partition, rules Rules, offsets []Offsets, now time.Time) Report {
	if cap(room) < len(offsets) {
		room = make([]Partition, len(offsets))
	}
	r := Report{Partitions: room[:len(offsets)]}
	clear(r.Partitions)
	awake := rules.lastAwake(offsets, now)
	for i := range offsets {
		p := &r.Partitions[i]
		p.Offsets = offsets[i]
		if p.Err = rules.stale(&p.Offsets, now); p.Err == nil {
			rules.measure(p)
			rules.exclude(p, now, awake)
		}
		if p.Err != nil {
			p.Reason = ReasonUnknown
		}
		r.add(p)
	}
	r.Err = r.unknown()
	if rules.Ages {
		rules.measureAges(&r, now)
	}
	return r
}

// measure fills in the lag of a partition whose offsets are young enough.
func (rules Rules) measure(p *Partition) {
	switch {
	case p.Committed < 0:
		rules.measureNoCommit(p)
	case p.LogEnd < 0:
		p.Err = unknownPartition(&p.Offsets, errNoEnd)
	case p.CommitOfEarlierLog:
		p.Reason = ReasonCommitOfEarlierLog
		rules.measureReset(p)
	case p.Committed > p.LogEnd:
		rules.measurePastEnd(p)
	case p.Committed < p.LogStart:
		p.Lag, p.Reason = retained(&p.Offsets), ReasonCommitBelowStart
		p.Lost = p.LogStart - p.Committed
	case p.Committed < p.LogEnd:
		p.Lag, p.Reason = p.LogEnd-p.Committed, ReasonLagging
	default:
		p.Reason = ReasonCaughtUp
	}
	if p.Done > 0 {
		p.takeDone()
	}
}

// takeDone leaves out the records that a share group has finished out of order.
func (p *Partition) takeDone() {
	switch p.Reason {
	case ReasonLagging:
		if p.Lag = max(0, p.Lag-p.Done); p.Lag == 0 {
			p.Reason = ReasonCaughtUp
		}
	case ReasonCommitBelowStart:
		// Those done may all be among those that retention has removed since.
		p.Lag = max(0, p.Lag-max(0, p.Done-p.Lost))
	}
}

// exclude leaves out the lag that is no work, or not for the consumers that there are.
// awake is when the group was last seen at work.
func (rules Rules) exclude(p *Partition, now, awake time.Time) {
	p.ActivationLag = p.Lag
	switch {
	case p.Lag == 0:
	case rules.phantom(p):
		p.Excluded, p.Reason = p.Lag, ReasonPhantom
		p.Lag, p.ActivationLag = 0, 0
	case rules.persistent(p, now):
		p.Excluded, p.Reason = p.Lag, ReasonPersistent
		p.Lag = 0
		if awake.Sub(p.StalledSince) >= rules.PersistentAfter {
			p.ActivationLag = 0
		}
	}
}

func (rules Rules) measureNoCommit(p *Partition) {
	switch {
	case rules.ZeroOnInvalidOffset:
		p.Reason = ReasonNoCommitIgnored
	case rules.ResetPolicy != Earliest:
		p.Lag, p.Reason = 1, ReasonNoCommitLatest
	case p.LogEnd < 0:
		p.Err = unknownPartition(&p.Offsets, errNoEnd)
	case p.LogStart < 0:
		p.Err = unknownPartition(&p.Offsets, errNoStart)
	default:
		p.Lag, p.Reason = retained(&p.Offsets), ReasonNoCommitEarliest
	}
}

func (rules Rules) measurePastEnd(p *Partition) {
	switch {
	case rules.ReadCommitted && p.Committed <= p.HighWatermark:
		p.Reason = ReasonCommitPastStable
	case rules.ReadCommitted && p.HighWatermark < p.LogEnd:
		// Either an open transaction, and then there is nothing to do, or a log that ends before the commit.
		p.Err = unknownPartition(&p.Offsets, errNoHighWatermark)
	default:
		p.Reason = ReasonCommitPastEnd
		rules.measureReset(p)
	}
}

// measureReset counts what is left where the log does not have the offset that was committed:
// a consumer that comes up is sent to where its reset policy says, and commits that.
// scaleToZeroOnInvalidOffset has no say: the group has been at work here.
func (rules Rules) measureReset(p *Partition) {
	switch {
	case rules.ResetPolicy != Earliest:
		// A client that does not compare leader epochs reads on from a commit of an earlier log.
		p.Lag = max(1, p.LogEnd-max(p.Committed, p.LogStart))
	case p.LogStart < 0:
		p.Err = unknownPartition(&p.Offsets, errNoStart)
	default:
		p.Lag = retained(&p.Offsets)
	}
}

// phantom reports whether nothing real is left of the lag. It is asked only where consumers read on from
// their commit or, where that is lost, from the log start: an inspection speaks of nothing else.
func (rules Rules) phantom(p *Partition) bool {
	return (p.Reason == ReasonLagging || p.Reason == ReasonCommitBelowStart) &&
		p.Inspected.provesEmpty(&p.Offsets, rules.ReadCommitted)
}

// persistent reports whether the lag is to be left out because nobody works it off.
func (rules Rules) persistent(p *Partition, now time.Time) bool {
	return rules.ExcludePersistent && rules.PersistentAfter > 0 &&
		p.Committed >= 0 && !p.StalledSince.IsZero() &&
		now.Sub(p.StalledSince) >= rules.PersistentAfter
}

// retained is how many records the log holds. The start may have been read after
// the end, and then lie beyond it.
func retained(o *Offsets) int64 { return max(0, o.LogEnd-o.LogStart) }

// add takes a measured partition into the sums.
func (r *Report) add(p *Partition) {
	r.Total = Add(r.Total, p.Lag)
	r.Activation = Add(r.Activation, p.ActivationLag)
	r.Lost = Add(r.Lost, p.Lost)
	switch p.Reason {
	case ReasonPhantom:
		r.Phantom = Add(r.Phantom, p.Excluded)
	case ReasonPersistent:
		r.Persistent = Add(r.Persistent, p.Excluded)
	}
	if p.Lag > 0 {
		r.Lagging++
	}
	if p == &r.Partitions[0] || p.ObservedAt.Before(r.ObservedAt) {
		r.ObservedAt = p.ObservedAt
	}
}

// Add returns a + b without wrapping round: past the range of int64 it stays at the
// end of the range, so that a huge lag never turns into a negative one.
func Add(a, b int64) int64 {
	sum := a + b
	switch {
	case b > 0 && sum < a:
		return 1<<63 - 1
	case b < 0 && sum > a:
		return -1 << 63
	default:
		return sum
	}
}

var (
	errNoEnd   = errors.New("its log end offset was never read")
	errNoStart = errors.New("its log start offset was never read")

	errNoHighWatermark = errors.New("its commit lies beyond the last stable offset, and its high watermark was never read")
)
