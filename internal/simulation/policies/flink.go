package policies

import (
	"fmt"
	"math"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
)

// FlinkOptions are the settings of the Flink Kubernetes operator's autoscaler that the formula uses, by its
// own names.
type FlinkOptions struct {
	// TargetUtilization and UtilizationBoundary: job.autoscaler.target.utilization and its boundary.
	TargetUtilization, UtilizationBoundary float64
	// CatchUp is catch-up.duration, Restart restart.time, Window metrics.window, Stabilization
	// stabilization.interval, and DownDelay the interval by which scaling down is delayed.
	CatchUp, Restart, Window, Stabilization, DownDelay time.Duration
}

// FlinkDefaults are the operator's defaults.
func FlinkDefaults() FlinkOptions {
	return FlinkOptions{
		TargetUtilization: 0.7, UtilizationBoundary: 0.3,
		CatchUp: 30 * time.Minute, Restart: 5 * time.Minute, Window: 15 * time.Minute,
		Stabilization: 5 * time.Minute, DownDelay: time.Hour,
	}
}

// FlinkTuned are settings for an objective: the lag is caught up within it, and the delays are those of a
// consumer group rather than of a job that restarts from a savepoint.
func FlinkTuned(objective time.Duration) FlinkOptions {
	return FlinkOptions{
		TargetUtilization: 0.7, UtilizationBoundary: 0.3,
		CatchUp: objective, Restart: 35 * time.Second, Window: time.Minute,
		Stabilization: time.Minute, DownDelay: 5 * time.Minute,
	}
}

// Flink is the formula of the Flink Kubernetes operator's autoscaler, on the sizes that partitions allow.
func Flink(name string, serviceRate float64, o FlinkOptions) simulation.Contender {
	return direct(fmt.Sprintf("Flink, %s", name), &flink{FlinkOptions: o, each: serviceRate, measure: measure{over: o.Window}})
}

type flink struct {
	FlinkOptions
	each    float64
	changed time.Duration
	wanted  []sized // what scaling down would have led to, within DownDelay
	measure
}

type sized struct {
	at       time.Duration
	replicas float64
}

// Observe implements [simulation.Policy].
func (f *flink) Observe(v *simulation.View) { f.observe(v) }

// Metric implements [simulation.Policy].
func (f *flink) Metric(v *simulation.View) (value, target float64, known bool) {
	current := float64(v.Replicas)
	arrivals, lag := f.rate(), float64(v.Lag())
	if arrivals == 0 && lag == 0 || v.At-f.changed < f.Stabilization {
		return current, 1, true
	}
	// What has to be taken, if replicas are busy for the share u of their time.
	capacity := func(u float64) float64 {
		return lag/f.CatchUp.Seconds() + arrivals*f.Restart.Seconds()/f.CatchUp.Seconds() + arrivals/u
	}
	size := rung(len(v.LogEnd), capacity(f.TargetUtilization)/f.each)
	f.wanted = append(f.wanted, sized{v.At, size})
	for f.wanted[0].at < v.At-f.DownDelay {
		f.wanted = f.wanted[1:]
	}
	low, high := capacity(min(1, f.TargetUtilization+f.UtilizationBoundary)), capacity(f.TargetUtilization-f.UtilizationBoundary)
	if has := current * f.each; has >= low && has <= high {
		return current, 1, true
	}
	if size < current {
		size = min(current, f.largest(v.At))
	}
	if size != current {
		f.changed = v.At
	}
	return size, 1, true
}

// largest is the most replicas that were wanted within DownDelay; before it has passed once, nothing is taken
// away.
func (f *flink) largest(now time.Duration) float64 {
	if f.wanted[0].at > now-f.DownDelay+time.Minute {
		return math.Inf(1)
	}
	most := 0.0
	for _, w := range f.wanted {
		most = max(most, w.replicas)
	}
	return most
}
