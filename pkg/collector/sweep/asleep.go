package sweep

import "github.com/kafka-scaler/kafka-scaler/pkg/collector/store"

// calmRounds is how many refreshes in a row must have brought nothing new before a
// query may sleep.
const calmRounds = 2

// calm is what the refresh remembers of a query from one round to the next.
type calm struct {
	// changed is the publication of its newest change, as of the last round, and rounds how many have passed
	// since then.
	changed uint64
	rounds  int
	// member is the version of the subscriptions of those awake that it belongs to.
	member uint64
	// seen is the last round in which there was the query.
	seen uint64
}

// note takes in the publication of the newest change, once a round.
func (k *calm) note(changed uint64) {
	k.rounds++
	if changed != k.changed {
		k.changed, k.rounds = changed, 0
	}
}

// asleep reports whether the query needs no more than a rare look: its streams are
// inactive, brokers hold a request open for every partition that it selects, and
// nothing about it has changed for a while or is wrong. A record then wakes it, and
// what no wait can tell, a commit that somebody moves by hand above all, is found by
// the rare look. It is called within Read.
func (w *Sweeper) asleep(s *store.Store, now store.Stamp, sub *store.Subscription, k *calm) bool {
	return k.rounds >= calmRounds &&
		// Otherwise its numbers might become too old between two looks.
		sub.MaxAge >= 2*w.opts.SleepInterval && w.waits.Watched(sub, now) && s.IsWell(sub)
}
