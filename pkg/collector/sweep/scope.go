package sweep

import "github.com/kafka-scaler/kafka-scaler/pkg/collector/store"

// Scope is what a sweep covers, with the requests for it. It is kept from one
// refresh to the next, so that a refresh of what has not changed composes nothing.
type Scope struct {
	subscriptions []*store.Subscription
	// taken is the version of subscriptions, of a scope that is kept.
	taken uint64
	// needsVersion is that of the store when the union was composed, and of is the version of subscriptions that
	// it was composed for. A query may have joined in between: the store's version counts it already, and
	// subscriptions does not have it yet.
	needsVersion, of uint64
	// began is when the sweep began.
	began store.Stamp
	union *store.Union
	// noStarts and noProbes remember, for each topic of a group in the union, that there is no log start to read
	// and no log to probe.
	noStarts, noProbes []notDue
}

// NewScope returns the scope of some queries.
func NewScope(subs []*store.Subscription) *Scope { return &Scope{subscriptions: subs} }

// compose brings the scope's requests up to date, within Write.
func (c *Scope) compose(s *store.Store, now store.Stamp) {
	if c.union != nil && c.needsVersion == s.NeedsVersion() && c.of == c.taken {
		return
	}
	c.union = s.Union(c.subscriptions, now)
	c.of, c.needsVersion = c.taken, s.NeedsVersion()
	c.noStarts, c.noProbes = make([]notDue, c.union.Len()), make([]notDue, c.union.Len())
}
