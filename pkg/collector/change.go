package collector

// sequence tells when something was last read, and when it last changed: the
// publications that show it. Reading again what was known already is no change.
type sequence struct{ read, changed uint64 }

// note is the one place where anything is noted to have been read, or to have changed.
// The next publication shows it. The caller holds mu.
func (c *Collector) note(s *sequence, changed bool) {
	s.read = c.next()
	if changed {
		s.changed = s.read
	}
}

// noteLater notes a change that the publication after the next will show. The caller holds mu.
func (c *Collector) noteLater(s *sequence) { s.changed = c.next() + 1 }

// latest is when any of what an entry shows was last read, and last changed.
func (c *Collector) latest(e *entry) sequence {
	last := e.seq.or(e.group.seq)
	if e.mayList() {
		last = last.or(c.catalog.seq)
	}
	for _, tr := range e.tracked {
		last = last.or(tr.topic.seq)
	}
	return last
}

func (s sequence) or(other sequence) sequence {
	return sequence{max(s.read, other.read), max(s.changed, other.changed)}
}
