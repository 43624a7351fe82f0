// Package kedaport is KEDA's `kafka` trigger once more, as the yardstick of tests:
// written from its source, and knowing nothing of pkg/lag and pkg/policy.
package kedaport

import "errors"

// Trigger is one KEDA trigger on one topic and the parameters that its arithmetic
// knows (v2.21.0, pkg/scalers/kafka_scaler.go). It follows the original's data flow:
// maps of what the brokers answered, walked in whatever order, with a memory that
// it changes as it goes.
type Trigger struct {
	Earliest, ZeroOnInvalid, ExcludePersistent bool
	AllowIdle, LimitToLagging, Even            bool
	Threshold, ActivationThreshold             int64

	previous map[int32]int64
}

// Answer is what the brokers said at one evaluation. A partition that is missing in Ends
// was left out of the answer for the log ends.
type Answer struct {
	Commits, Starts, Ends map[int32]int64
	Failed                bool
}

// ErrFailed is the outcome of an answer that failed.
var ErrFailed = errors.New("broker 2 does not answer")

// Evaluate returns the metric and the activity that KEDA derives from one answer.
func (k *Trigger) Evaluate(a Answer) (metric int64, active bool, err error) {
	if a.Failed {
		k.previous = nil // KEDA builds a new scaler
		return 0, false, ErrFailed
	}
	var total, totalWithPersistent, lagging int64
	for partition, end := range a.Ends {
		partitionLag, withPersistent := k.lagOf(partition, end, a)
		total += partitionLag
		totalWithPersistent += withPersistent
		if partitionLag > 0 {
			lagging++
		}
	}
	active = totalWithPersistent > k.ActivationThreshold
	if !k.AllowIdle || k.LimitToLagging || k.Even {
		bound := int64(len(a.Ends))
		if k.Even {
			total = k.evenReplicas(total, bound) * k.Threshold
		}
		if k.LimitToLagging {
			bound = lagging
		}
		if total/k.Threshold > bound {
			total = bound * k.Threshold
		}
	}
	if total < 0 {
		total = 0 // quantityFromFloat64, since 2.20.2
	}
	return total, active, nil
}

func (k *Trigger) lagOf(partition int32, end int64, a Answer) (partitionLag, withPersistent int64) {
	commit := a.Commits[partition]
	if commit == -1 {
		switch {
		case k.ZeroOnInvalid:
			return 0, 0
		case !k.Earliest:
			return 1, 1
		}
		if start, found := a.Starts[partition]; found {
			return max(0, end-start), max(0, end-start)
		}
		return end, end
	}
	if k.ExcludePersistent {
		if previous, found := k.previous[partition]; found && previous == commit {
			return 0, end - commit
		}
		if k.previous == nil {
			k.previous = map[int32]int64{}
		}
		k.previous[partition] = commit
	}
	return end - commit, end - commit
}

func (k *Trigger) evenReplicas(total, partitions int64) int64 {
	for f := int64(1); f <= partitions; f++ {
		if partitions%f == 0 && f*k.Threshold >= total {
			return f
		}
	}
	return partitions
}
