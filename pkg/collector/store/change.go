package store

// Sequence tells when something was last read, and when it last changed: the
// publications that show it. Reading again what was known already is no change.
type Sequence struct{ Read, Changed uint64 }

// next is the publication that will show a change made now.
func (s *Store) next() uint64 { return s.published.Load() + 1 }

// note is the one place where anything is noted to have been read, or to have changed.
// The next publication shows it.
func (s *Store) note(of *Sequence, changed bool) {
	of.Read = s.next()
	if changed {
		of.Changed = of.Read
	}
}

// noteLater notes a change that the publication after the next will show.
func (s *Store) noteLater(of *Sequence) { of.Changed = s.next() + 1 }

// Latest is when any of what a subscription shows was last read, and last changed.
func (s *Store) Latest(sub *Subscription) Sequence {
	last := sub.seq.or(sub.group.seq)
	if sub.mayList() {
		last = last.or(s.catalog.seq)
	}
	for _, gt := range sub.selected {
		last = last.or(gt.topic.seq)
	}
	return last
}

func (s Sequence) or(other Sequence) Sequence {
	return Sequence{max(s.Read, other.Read), max(s.Changed, other.Changed)}
}

// LastChanged is the publication that shows the newest change of the group's positions, or of the log's.
func (gt *GroupTopic) LastChanged() uint64 { return gt.group.seq.or(gt.topic.seq).Changed }

// Settled reports whether nothing of what that publication shows can change any more.
func (s *Store) Settled(publication uint64) bool { return publication < s.next() }
