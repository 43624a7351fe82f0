package lag

import "fmt"

// reset reports whether the log does not have the offset that the group has committed, so that its
// consumers will be reset.
func (p *Partition) reset() bool {
	return p.Err == nil && (p.Reason == ReasonCommitPastEnd || p.Reason == ReasonCommitOfEarlierLog)
}

// InvalidCommits says for people in which partitions the log does not have the offset that the group has
// committed; empty where there is none. What follows from it is [Rules.WithInvalidCommit].
func (r *Report) InvalidCommits() string {
	var parts []TopicPartition
	for i := range r.Partitions {
		if p := &r.Partitions[i]; p.reset() {
			parts = append(parts, p.TopicPartition)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("in %d of %d partitions (%s) the committed offset lies beyond the log end, or was committed in an earlier log of that name",
		len(parts), len(r.Partitions), nameFirst(parts, len(parts)))
}

// WithInvalidCommit says for people where such commits come from, what they count, and what to do about it.
func (rules Rules) WithInvalidCommit() string {
	const from = "the log was truncated, restored from a backup or created again; until a consumer starts, is reset and commits, "
	if rules.ResetPolicy == Earliest {
		return from + "all retained records count (offsetResetPolicy earliest)"
	}
	return from + "each of them counts at least 1, so that at least one replica starts (offsetResetPolicy latest)"
}

// Note tells people what is out of the ordinary about a group's commits, what follows from it and what to
// do; empty where nothing is.
func (rules Rules) Note(r *Report) string {
	if r.Uncommitted() {
		return UncommittedGroup + "; " + rules.WithoutCommit()
	}
	if invalid := r.InvalidCommits(); invalid != "" {
		return invalid + "; " + rules.WithInvalidCommit()
	}
	return ""
}
