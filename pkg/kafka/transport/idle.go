package transport

import "time"

// leastIdleLook keeps the looks at idle connections apart, so that those that become
// idle one after another are closed together.
const leastIdleLook = 10 * time.Millisecond

// watchIdle has the idle connections closed when they have been so for too long. The
// next request would do that too, but a broker that nobody asks now has no next
// request: its connections would stay, and stay half closed once the broker ends
// them. The caller holds mu.
func (b *Broker) watchIdle() {
	switch {
	case len(b.idle) == 0:
		if b.idleEnds != nil {
			b.idleEnds.Stop()
			b.idleEnds = nil
		}
	case b.idleEnds == nil:
		// The first is the one that was used longest ago.
		left := b.cfg.IdleTimeout - time.Since(b.idle[0].lastUsed)
		b.idleEnds = time.AfterFunc(max(left, leastIdleLook), b.endIdle)
	}
}

// endIdle closes the idle connections that are too old, and looks again later where there are others.
func (b *Broker) endIdle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idleEnds = nil
	b.dropStale(time.Now())
	b.watchIdle()
}
