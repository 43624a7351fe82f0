package transport

import (
	"math/rand/v2"
	"time"
)

// Jitter returns a time between half of d and d.
func Jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2) //nolint:gosec // it only spreads load; nothing secret hangs on it
}
