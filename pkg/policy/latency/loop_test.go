package latency_test

import (
	"math"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// planned lets a planner with this configuration decide in the world from so many replicas on.
func (w *world) planned(c latency.Config, replicas int) *world {
	w.lateAfter = int(c.TargetLatency.Seconds())
	w.planner = latency.New(c)
	w.begin(replicas)
	return w
}

// A day in three hours, from 4 to 20 busy replicas and back: records stay in time, and replicas cost
// little more than the work itself.
func TestKeepsRecordsInTimeThroughWaves(t *testing.T) {
	for name, rebalance := range map[string]latency.Rebalance{"eager": latency.Eager, "incremental": latency.Incremental} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(48, 50, 1, func(s float64) float64 { return 600 - 400*math.Cos(2*math.Pi*s/10800) })
			if rebalance == latency.Incremental {
				w.eager, w.pause = false, 1
			}
			w.planned(latency.Config{TargetLatency: time.Minute, Rebalance: rebalance}, 8)
			w.run(1800)
			w.total = totals{}
			w.run(6 * 3600)
			if got := w.total.inTime(); got < 0.999 {
				t.Errorf("%.3f %% in time", 100*got)
			}
			if ratio := w.total.replicaSeconds / w.total.work; ratio > 1.35 {
				t.Errorf("%.2f times the work", ratio)
			}
			t.Logf("%.3f %% in time, %.3f times the work, %d changes", 100*w.total.inTime(), w.total.replicaSeconds/w.total.work, w.total.changes)
		})
	}
}

// What began after a pause has outgrown nothing by an endless factor: the replicas for it go when it goes.
func TestWorkAfterAPauseForecastsNoWonder(t *testing.T) {
	for name, before := range map[string]float64{"nothing": 0, "little": 1} {
		t.Run(name, func(t *testing.T) {
			const pause, busy = 600, 600
			w := newWorld(10, 50, 1, func(s float64) float64 {
				switch {
				case s < pause:
					return before
				case s < pause+busy:
					return 120
				}
				return 30
			})
			w.planned(latency.Config{TargetLatency: 30 * time.Second, ServiceRate: 50}, 1)
			w.onDecision = func(d latency.Decision) {
				for _, f := range d.Forecast {
					if f.High > 1000 {
						t.Fatalf("%d s after work began, up to %.3g records a second are expected in %s", w.second-pause, f.High, f.Ahead)
					}
				}
			}
			w.run(pause + busy + 1200)
			w.total = totals{}
			w.run(1200)
			if ratio := w.total.replicaSeconds / w.total.work; ratio > 4 {
				t.Errorf("%.1f times the work 20 minutes after most of it went", ratio)
			}
		})
	}
}
