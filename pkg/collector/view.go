package collector

// view is a snapshot and the publication that it shows.
type view struct {
	*Snapshot
	published uint64
}

// current returns what is published for the subscription. Snapshots are built when
// somebody reads them, not when they are published: of ten thousand queries, a few
// hundred are read between two refreshes.
func (c *Collector) current(sub *subscription) *view {
	if v := sub.view.Load(); v != nil && v.published == c.store.Published() {
		return v
	}
	sub.build.Lock()
	defer sub.build.Unlock()
	c.mu.RLock()
	defer c.mu.RUnlock()
	published := c.store.Published()
	v := sub.view.Load()
	switch {
	case v != nil && v.published == published:
		return v
	case v != nil && c.store.Latest(sub.of).Read <= v.published:
		v = &view{Snapshot: v.Snapshot, published: published}
	default:
		v = &view{Snapshot: c.store.Snapshot(sub.of, c.now()), published: published}
	}
	sub.view.Store(v)
	return v
}
