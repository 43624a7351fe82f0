package kafka

import (
	"math/rand/v2"
	"time"
)

// Chance only spreads load here; nothing secret hangs on it.

// jitter returns a time between half of d and d.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2) //nolint:gosec // see above
}

func shuffle[T any](items []T) {
	rand.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] }) //nolint:gosec // see above
}
