package sweep

import (
	"testing"
	"time"
)

func TestIntervalGrowsWithTheSize(t *testing.T) {
	for _, c := range []struct {
		positions int
		youngest  time.Duration
		want      time.Duration
	}{
		{0, 10 * time.Second, time.Second},
		{40_000, 10 * time.Second, time.Second},
		{40_001, 10 * time.Second, 1100 * time.Millisecond},
		{80_000, 10 * time.Second, 2 * time.Second},
		{10_000_000, time.Minute, DefaultMaxInterval},
		{10_000_000, 10 * time.Second, 2500 * time.Millisecond}, // nothing may become too old
		{10_000_000, time.Second, time.Second},
	} {
		if got := intervalFor(c.positions, c.youngest); got != c.want {
			t.Errorf("%d positions, none older than %v: every %v, want %v", c.positions, c.youngest, got, c.want)
		}
	}
}
