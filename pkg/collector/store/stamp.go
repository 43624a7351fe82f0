package store

import "time"

// Stamp is a moment on a store's own clock, in nanoseconds since its epoch, and
// never the same twice: stamps order what happened, even where the system's clock
// cannot tell two moments apart. Zero is never.
type Stamp int64

// Time converts a stamp to a time that the system's clock would have shown.
func (s *Store) Time(at Stamp) time.Time { return s.opts.Epoch.Add(time.Duration(at)) }

// Tick returns the present as a stamp that was never given before.
func (s *Store) Tick(now Stamp) Stamp {
	s.last = max(s.last+1, now)
	return s.last
}
