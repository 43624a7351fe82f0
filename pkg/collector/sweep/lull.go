package sweep

import "github.com/kafka-scaler/kafka-scaler/pkg/collector/store"

// lull remembers that a walk over the partitions of a group's topic found nothing to
// do. It need not be walked over again with every refresh as long as none of them
// changes. The zero value is none.
type lull struct {
	// changed is the newest change that the walk has seen, as a publication; 0 where there was something to do.
	changed uint64
	// until is when time alone brings something to do.
	until store.Stamp
}

// lasts reports whether there is still nothing to do.
func (l *lull) lasts(tr *store.Tracked, now store.Stamp) bool {
	return l.changed != 0 && now < l.until && l.changed == tr.LastChanged()
}

// begin notes that a walk which has just ended found nothing to do before until; 0
// means that it did.
func (l *lull) begin(s *store.Store, tr *store.Tracked, until store.Stamp) {
	*l = lull{until: until}
	// What belongs to the publication that is being made may change once more within it.
	if changed := tr.LastChanged(); until != 0 && s.Settled(changed) {
		l.changed = changed
	}
}
