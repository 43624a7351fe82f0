package lag

// Uncommitted reports whether the group is known to have no commit in any of the
// partitions: a group that is new, or one whose name is misspelt.
func (r *Report) Uncommitted() bool {
	for i := range r.Partitions {
		if p := &r.Partitions[i]; p.Committed >= 0 || p.Err != nil {
			return false
		}
	}
	return len(r.Partitions) > 0
}

// UncommittedGroup is what people are told about a group as in [Report.Uncommitted]; what follows from it
// is [Rules.WithoutCommit].
const UncommittedGroup = "the group does not exist or has never committed in these topics"

// WithoutCommit says for people what such a group counts, and what to do about it.
func (rules Rules) WithoutCommit() string {
	const until = "check the group's name; until it commits, "
	switch {
	case rules.ZeroOnInvalidOffset:
		return until + "it counts 0 and starts no replica (scaleToZeroOnInvalidOffset)"
	case rules.ResetPolicy == Earliest:
		return until + "all retained records count (offsetResetPolicy earliest)"
	default:
		return until + "each partition counts 1, so that at least one replica starts (offsetResetPolicy latest)"
	}
}
