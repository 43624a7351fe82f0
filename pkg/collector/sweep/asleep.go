package sweep

import "github.com/kafka-scaler/kafka-scaler/pkg/collector/store"

// steadyRounds is how many refreshes in a row must have brought nothing new before a
// query may sleep.
const steadyRounds = 2

// steadiness is what the refresh remembers of a query from one round to the next.
type steadiness struct {
	// changed is the publication of its newest change, as of the last round, and rounds how many there have been
	// since then.
	changed uint64
	rounds  int
	// member is the version of the subscriptions of those awake that it belongs to.
	member uint64
	// seen is the last round in which there was the query.
	seen uint64
}

// note takes in the publication of the newest change, once a round.
func (k *steadiness) note(changed uint64) {
	k.rounds++
	if changed != k.changed {
		k.changed, k.rounds = changed, 0
	}
}

// asleep reports whether the query needs only a rare refresh: its streams are inactive,
// brokers hold a request open for every partition that it selects, and nothing about it has
// changed for a while or is wrong. A record then wakes it. What no wait can tell, such as a
// commit that somebody moves by hand, is seen by the rare refresh. It is called within Read.
func (w *Sweeper) asleep(s *store.Store, now store.Stamp, sub *store.Subscription, k *steadiness) bool {
	return k.rounds >= steadyRounds &&
		// Otherwise its numbers might become too old between two refreshes.
		sub.MaxAge >= 2*w.opts.SleepInterval && w.waits.Watched(sub, now) && s.IsWell(sub)
}
