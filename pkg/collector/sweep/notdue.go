package sweep

import "github.com/kafka-scaler/kafka-scaler/pkg/collector/store"

// notDue remembers that a walk over the partitions of a group's topic found nothing to do.
// While none of them changes, the walk is not needed again in every refresh. The zero value
// remembers nothing.
type notDue struct {
	// changed is the newest change that the walk has seen, as a publication; 0 where there was something to do.
	changed uint64
	// until is when time alone brings something to do.
	until store.Stamp
}

// holds reports whether there is still nothing to do.
func (l *notDue) holds(gt *store.GroupTopic, now store.Stamp) bool {
	return l.changed != 0 && now < l.until && l.changed == gt.LastChanged()
}

// note takes in that a walk, which has just ended, found nothing to do before until. 0 means
// that it found something.
func (l *notDue) note(s *store.Store, gt *store.GroupTopic, until store.Stamp) {
	*l = notDue{until: until}
	// What belongs to the publication that is being made may change once more within it.
	if changed := gt.LastChanged(); until != 0 && s.Settled(changed) {
		l.changed = changed
	}
}
