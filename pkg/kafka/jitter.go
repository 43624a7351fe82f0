package kafka

import "math/rand/v2"

// Chance only spreads load here; nothing secret hangs on it.

// shuffle puts items in an order of chance.
func shuffle[T any](items []T) {
	rand.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] }) //nolint:gosec // see above
}
