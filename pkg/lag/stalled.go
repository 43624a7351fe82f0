package lag

import "time"

// StalledSince returns what next.StalledSince has to be, given what was known of
// the same partition before: prev is the outcome of the last successful read, or
// the zero Offsets before the first, and next that of a new one.
//
// The clock starts when lag is first seen behind a commit, starts again whenever
// the commit moves, in either direction, and stops when the group has caught up.
// So it measures the consumers and not how often anybody looks at them.
//
// A next with an Err is no news about the partition and changes nothing.
func StalledSince(prev, next Offsets) time.Time {
	switch {
	case next.Err != nil:
		return prev.StalledSince
	case !lagBehind(next):
		return time.Time{}
	case prev.StalledSince.IsZero() || prev.Committed != next.Committed:
		return next.ObservedAt
	default:
		return prev.StalledSince
	}
}

// lagBehind reports whether the log holds records that the commit has not passed.
// Records that retention removed are not among them: no consumer can move past those
// by working, only by its reset policy.
func lagBehind(o Offsets) bool {
	return o.Committed >= 0 && o.LogEnd > max(o.Committed, o.LogStart)
}

// MovedAt returns what next.MovedAt has to be, given what was known of the same
// partition before, as for [StalledSince]. The first commit ever seen has not moved;
// one that follows an answer without a commit has.
func MovedAt(prev, next Offsets) time.Time {
	if next.Err != nil || prev.ObservedAt.IsZero() || prev.Committed == next.Committed || next.Committed < 0 {
		return prev.MovedAt
	}
	return next.ObservedAt
}

// lastAwake is when the group was last seen at work in any of the partitions, where a rule
// asks for that; else the zero time. A partition that stands still never proves
// itself awake: its commit has not moved since. One that cannot be read may have moved
// at this moment, and what is known of the lag may not be more than there is: see
// [Report.Err].
func (rules Rules) lastAwake(offsets []Offsets, now time.Time) time.Time {
	var last time.Time
	if !rules.ExcludePersistentFromActivation {
		return last
	}
	for i := range offsets {
		if rules.tooOld(&offsets[i], now) {
			return now
		}
		if at := offsets[i].MovedAt; at.After(last) {
			last = at
		}
	}
	return last
}
