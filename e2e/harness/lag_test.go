package harness

import (
	"math"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/e2e/timeline"
)

func TestSlope(t *testing.T) {
	at := func(seconds, value float64) timeline.Point {
		return timeline.Point{At: time.Unix(1000, 0).Add(time.Duration(seconds * float64(time.Second))), Value: value}
	}
	// 100 records a second, committed once a second, looked at just before and just after by turns.
	var steps []timeline.Point
	for i := range 41 {
		seconds := float64(i) / 2
		steps = append(steps, at(seconds, 100*math.Floor(seconds)))
	}
	for _, c := range []struct {
		name         string
		points       []timeline.Point
		want, within float64
	}{
		{"nothing seen", nil, 0, 0},
		{"seen once", []timeline.Point{at(0, 5)}, 0, 0},
		{"seen twice at the same time", []timeline.Point{at(0, 5), at(0, 9)}, 0, 0},
		{"a straight line", []timeline.Point{at(0, 5), at(1, 15), at(4, 45)}, 10, 1e-9},
		{"in steps", steps, 100, 1},
		{"in steps, the last look too early for one", steps[:40], 100, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := slope(c.points); math.Abs(got-c.want) > c.within {
				t.Errorf("slope %g, want %g", got, c.want)
			}
		})
	}
}
