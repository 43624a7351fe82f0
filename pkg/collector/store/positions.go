package store

import "github.com/kafka-scaler/kafka-scaler/pkg/lag"

// position is one answer about one committed offset.
type position struct {
	offset int64
	// asked is when the answer was asked for, read when it had been received.
	asked, read Stamp
	// epoch is the leader epoch that it was made in, or lag.NoLeaderEpoch.
	epoch int32
	// earlier is set once it is known to be of an earlier log of that name.
	earlier bool
}

// suits reports whether the log end may be compared with the commit, as far as their epochs tell.
func (p position) suits(end logRead) bool {
	return p.earlier || p.epoch <= end.epoch || end.epoch < 0
}

// counts is the offset that lag depends on: one of an earlier log is as good as none.
func (p position) counts() int64 {
	if p.earlier {
		return lag.NoCommit
	}
	return p.offset
}

// positions are the answers about one partition of one group that are still of
// use: the newest, and those that fit the log end known and the one on its way.
//
// A commit fits a log end if it had been received when the log end was asked for.
// So the newest commit is the wrong one as long as a log end is late: compared
// with it, a group that has moved on meanwhile would seem to have less work than
// it has, or none.
type positions struct {
	fits, awaited, newest position
	// stalled is lag.Offsets.StalledSince and movedAt lag.Offsets.MovedAt. stalledAt is the commit of the pair that
	// both follow from; paired is set once there was one.
	stalled, movedAt Stamp
	stalledAt        int64
	paired           bool
}

// add takes in an answer, given what is known of the log end that it will be
// compared with.
func (p *positions) add(n position, end logRead) {
	*p = positions{
		fits:      p.fitting(end),
		awaited:   p.before(end.pending),
		newest:    n,
		stalled:   p.stalled,
		stalledAt: p.stalledAt,
		movedAt:   p.movedAt,
		paired:    p.paired,
	}
}

// before returns the newest answer that had been received at s; its read is zero
// where there is none.
func (p *positions) before(s Stamp) position {
	for _, q := range [...]position{p.newest, p.awaited, p.fits} {
		if q.read != 0 && q.read <= s {
			return q
		}
	}
	return position{}
}

// fitting returns the newest answer that may be compared with the log end: it had been received when that was
// asked for, and is of no newer leader. Its read is zero where there is none.
func (p *positions) fitting(end logRead) position {
	for _, q := range [...]position{p.newest, p.awaited, p.fits} {
		if q.read != 0 && q.read <= end.asked && q.suits(end) {
			return q
		}
	}
	return position{}
}

// keepStalled brings stalled and movedAt up to date with the newest pair of commit and log end.
func (p *positions) keepStalled(s *Store, end, start logRead) {
	commit := p.fitting(end)
	if commit.read == 0 {
		return
	}
	prev := lag.Offsets{Committed: p.stalledAt}
	if p.stalled != 0 {
		prev.StalledSince = s.Time(p.stalled)
	}
	next := lag.Offsets{Committed: commit.offset, LogStart: start.known(), LogEnd: end.offset, ObservedAt: s.Time(commit.asked)}
	if p.paired {
		prev.ObservedAt = s.opts.Epoch
	}
	if at := lag.MovedAt(prev, next); at.Equal(next.ObservedAt) {
		p.movedAt = commit.asked
	}
	p.paired = true
	since := lag.StalledSince(prev, next)
	p.stalledAt = commit.offset
	switch {
	case since.IsZero():
		p.stalled = 0
	case since.Equal(next.ObservedAt):
		p.stalled = commit.asked
	}
}
