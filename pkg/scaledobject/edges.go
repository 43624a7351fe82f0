package scaledobject

import "time"

const (
	// repeatAfter is when a true is said once more. KEDA drops the first one of a new ScaledObject without a
	// word, as long as its status does not name the metric yet (pkg/scaling/scale_handler.go).
	repeatAfter = 10 * time.Second
	// refreshEvery is how often a true that stays true is said again after that, against whatever else got
	// lost. Rare, because each one moves KEDA's LastActiveTime.
	refreshEvery = 5 * time.Minute
	// holdEvery is how often the last known true is said again while lag is not known: as often as KEDA, by its
	// default pollingInterval, notes the time of an active trigger. While calls fail, KEDA 2.21.0 at times takes
	// them for inactive (docs/operations.md), and then only the time of the last true keeps a workload awake.
	holdEvery = 30 * time.Second
)

// edges turns a sequence of known states into what a stream says. The zero value
// is a stream that has said nothing.
type edges struct {
	active bool
	again  time.Time
	// known is when the state was last known, and held when the last known true is to be said again while it
	// is not; zero while it is.
	known, held time.Time
}

// most is how long there is nothing to say for sure if nothing changes, nor to find out that nothing is known any more.
func (g *edges) most(now time.Time) time.Duration {
	switch {
	case !g.active:
		return sleepAtMost
	case !g.held.IsZero():
		return max(retryAfter, g.held.Sub(now))
	}
	return min(max(retryAfter, g.again.Sub(now)), holdEvery)
}

// next takes the present state and returns whether to say it.
func (g *edges) next(active bool, now time.Time) (value, say bool) {
	g.known, g.held = now, time.Time{}
	switch {
	case active && !g.active:
		g.active, g.again = true, now.Add(repeatAfter)
		return true, true
	case !active && g.active:
		g.active = false
		return false, true
	case active && !now.Before(g.again):
		g.again = now.Add(refreshEvery)
		return true, true
	}
	return active, false
}

// hold is next for a state that is not known, given the last one that was. A stream
// that has said nothing yet begins with it: KEDA 2.21.0 closes its connection when
// calls of all triggers fail, and comes back for moments only.
func (g *edges) hold(active bool, now time.Time) (value, say bool) {
	if g.held.IsZero() && g.active {
		g.held = g.known.Add(holdEvery)
	}
	if !active || now.Before(g.held) {
		return active, false
	}
	g.active, g.held = true, now.Add(holdEvery)
	return true, true
}

// after takes an evaluation, nil where there is none yet, and returns what to say, if anything.
func (g *edges) after(e *Entry, ev *Evaluation, now time.Time) (value, say bool) {
	if ev != nil {
		if active, known := ev.Active(); known {
			return g.next(active, now)
		}
	}
	return g.hold(e.wasActive.Load(), now)
}
