package sweep

import "time"

const (
	// positionsASecond is how many committed offsets, one for each partition of each group, are refreshed within
	// DefaultInterval. Twice as many take twice the interval, so that the refresh of a large cluster costs no
	// more of a processor than that of a smaller one.
	positionsASecond = 40_000
	// intervalsInAge is how many intervals fit at least into the age that any query allows.
	intervalsInAge = 4
)

// The interval between two refreshes that a sweeper chooses is between these.
const (
	DefaultInterval    = time.Second
	DefaultMaxInterval = 5 * time.Second
)

// chooseInterval brings the interval in line with what a refresh of everything
// covers, where the options leave that open.
func (w *Sweeper) chooseInterval(scope *Scope) {
	if !w.opts.Chooses {
		return
	}
	next := intervalFor(scope.union.Positions())
	if time.Duration(w.chosen.Swap(int64(next))) != next {
		w.opts.Observer.Interval(next)
	}
}

// intervalFor returns the interval for so many positions, none of which may be
// older than youngest: DefaultInterval at least, and in steps of 100 ms.
func intervalFor(positions int, youngest time.Duration) time.Duration {
	const step = 100 * time.Millisecond
	d := DefaultInterval * time.Duration(positions) / positionsASecond
	d = (d + step - 1) / step * step
	return max(DefaultInterval, min(d, DefaultMaxInterval, youngest/intervalsInAge))
}
