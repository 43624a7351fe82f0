package policy_test

import (
	"errors"
	"flag"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// original is KEDA's `kafka` trigger once more, written from the same source
// (v2.21.0, pkg/scalers/kafka_scaler.go) but by its data flow: maps of what the brokers
// answered, walked in whatever order, with a memory that it changes as it goes. It knows
// nothing of pkg/lag and pkg/policy.
type original struct {
	earliest, zeroOnInvalid, excludePersistent bool
	allowIdle, limitToLagging, even            bool
	threshold, activationThreshold             int64

	previous map[int32]int64
}

// answer is what the brokers said at one evaluation. A partition that is missing in ends
// was left out of the answer for the log ends.
type answer struct {
	commits, starts, ends map[int32]int64
	failed                bool
}

var errBroker = errors.New("broker 2 does not answer")

func (k *original) evaluate(a answer) (metric int64, active bool, err error) {
	if a.failed {
		k.previous = nil // KEDA builds a new scaler
		return 0, false, errBroker
	}
	var total, totalWithPersistent, lagging int64
	for partition, end := range a.ends {
		partitionLag, withPersistent := k.lagOf(partition, end, a)
		total += partitionLag
		totalWithPersistent += withPersistent
		if partitionLag > 0 {
			lagging++
		}
	}
	active = totalWithPersistent > k.activationThreshold
	if !k.allowIdle || k.limitToLagging || k.even {
		bound := int64(len(a.ends))
		if k.even {
			total = k.evenReplicas(total, bound) * k.threshold
		}
		if k.limitToLagging {
			bound = lagging
		}
		if total/k.threshold > bound {
			total = bound * k.threshold
		}
	}
	if total < 0 {
		total = 0 // quantityFromFloat64, since 2.20.2
	}
	return total, active, nil
}

func (k *original) lagOf(partition int32, end int64, a answer) (partitionLag, withPersistent int64) {
	commit := a.commits[partition]
	if commit == -1 {
		switch {
		case k.zeroOnInvalid:
			return 0, 0
		case !k.earliest:
			return 1, 1
		}
		if start, found := a.starts[partition]; found {
			return max(0, end-start), max(0, end-start)
		}
		return end, end
	}
	if k.excludePersistent {
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

func (k *original) evenReplicas(total, partitions int64) int64 {
	for f := int64(1); f <= partitions; f++ {
		if partitions%f == 0 && f*k.threshold >= total {
			return f
		}
	}
	return partitions
}

func drawOriginal(t *rapid.T) *original {
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	return &original{
		earliest: flag("earliest"), zeroOnInvalid: flag("zero"), excludePersistent: flag("persistent"),
		allowIdle: flag("allow idle"), limitToLagging: flag("limit"), even: flag("even"),
		threshold:           rapid.OneOf(rapid.Int64Range(1, 12), rapid.Int64Range(1, 1e6)).Draw(t, "threshold"),
		activationThreshold: rapid.Int64Range(0, 20).Draw(t, "activation threshold"),
	}
}

// drawAnswer draws small numbers most of the time, so that they meet and pass each other.
func drawAnswer(t *rapid.T, partitions int32) answer {
	a := answer{commits: map[int32]int64{}, starts: map[int32]int64{}, ends: map[int32]int64{}}
	offset := rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, 60), rapid.Int64Range(0, 1e15))
	for p := range partitions {
		a.commits[p] = -1
		if rapid.IntRange(0, 5).Draw(t, "has commit") > 0 {
			a.commits[p] = offset.Draw(t, "commit")
		}
		if rapid.IntRange(0, 5).Draw(t, "has start") > 0 {
			a.starts[p] = offset.Draw(t, "start")
		}
		if rapid.IntRange(0, 15).Draw(t, "has end") > 0 {
			a.ends[p] = offset.Draw(t, "end")
		}
	}
	a.failed = rapid.IntRange(0, 15).Draw(t, "failed") == 0
	return a
}

// offsets is the same answer as a snapshot holds it.
func (a answer) offsets(partitions int32) []lag.Offsets {
	known := func(m map[int32]int64, p int32) int64 {
		if offset, ok := m[p]; ok {
			return offset
		}
		return lag.Unknown
	}
	var offsets []lag.Offsets
	for p := range partitions {
		offsets = append(offsets, lag.Offsets{
			TopicPartition: lag.TopicPartition{Topic: "orders", Partition: p},
			Committed:      a.commits[p], LogStart: known(a.starts, p), LogEnd: known(a.ends, p), ObservedAt: now,
		})
	}
	if a.failed {
		offsets[len(offsets)-1].Err = errBroker
	}
	return offsets
}

// TestCompatibilityEqualsTheOriginal runs many random groups through several evaluations.
func TestCompatibilityEqualsTheOriginal(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	if err := checks.Value.Set("10000"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = checks.Value.Set(before) })

	rapid.Check(t, func(t *rapid.T) {
		k := drawOriginal(t)
		rules := lag.Rules{
			ResetPolicy: lag.Latest, ZeroOnInvalidOffset: k.zeroOnInvalid,
			ExcludePersistent: k.excludePersistent, MaxAge: time.Second,
		}
		if k.earliest {
			rules.ResetPolicy = lag.Earliest
		}
		p := policy.Policy{
			LagThreshold: k.threshold, ActivationLagThreshold: k.activationThreshold,
			AllowIdleConsumers: k.allowIdle, LimitToPartitionsWithLag: k.limitToLagging,
			EnsureEvenDistribution: k.even, Compatibility: policy.KEDA,
		}
		partitions := rapid.Int32Range(1, 13).Draw(t, "partitions")
		var memory lag.Memory
		for range rapid.IntRange(1, 4).Draw(t, "evaluations") {
			a := drawAnswer(t, partitions)
			value, active, err := k.evaluate(a)
			var r lag.Report
			r, memory = lag.ComputeKEDA(rules, a.offsets(partitions), memory, now)
			d := p.Decide(r)
			if (d.Err != nil) != (err != nil) {
				t.Fatalf("error %v, KEDA %v", d.Err, err)
			}
			if d.Value != value || d.Active != active {
				t.Fatalf("value %d active %t, KEDA %d %t\n%+v\n%+v", d.Value, d.Active, value, active, a, d.Steps)
			}
			checkSteps(t, r, d)
			if d.MaxReplicas > 0 && d.Replicas() > d.MaxReplicas {
				t.Fatalf("%d replicas with at most %d", d.Replicas(), d.MaxReplicas)
			}
		}
	})
}
