package collector

import "math"

// lull remembers that a walk over the partitions of a group's topic found nothing to
// do, which it need not find again with every refresh as long as none of them changes.
// The zero value is none.
type lull struct {
	// changed is the newest change that the walk has seen, as a publication; 0 where there was something to do.
	changed uint64
	// until is when time alone brings something to do.
	until stamp
}

// forGood is a lull that only a change ends.
const forGood = stamp(math.MaxInt64)

// lastChanged is the publication that shows the newest change of the group's positions, or of the log's.
func (tr *tracked) lastChanged() uint64 { return tr.group.seq.or(tr.topic.seq).changed }

// lasts reports whether there is still nothing to do. The caller holds mu.
func (l *lull) lasts(c *Collector, tr *tracked) bool {
	return l.changed != 0 && l.changed == tr.lastChanged() && c.now() < l.until
}

// begin notes that a walk which has just ended found nothing to do before until; 0
// means that it did. The caller holds mu.
func (l *lull) begin(c *Collector, tr *tracked, until stamp) {
	*l = lull{until: until}
	// What belongs to the publication that is being made may change once more within it.
	if changed := tr.lastChanged(); until != 0 && changed < c.next() {
		l.changed = changed
	}
}
