package config

import (
	"strings"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// nearest returns the known key that was probably meant, or "": at most a third
// of its letters may be wrong, missing or too many, and always two may be, which
// is what two swapped letters count.
func nearest(key string, known []string) string {
	best, bestDistance := "", len(key)
	for _, k := range known {
		d := fault.Distance(strings.ToLower(key), strings.ToLower(k), bestDistance)
		if d <= max(2, len(k)/3) && d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}
