package policy_test

import (
	"flag"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaport"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

func drawOriginal(t *rapid.T) *kedaport.Trigger {
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	return &kedaport.Trigger{
		Earliest: flag("earliest"), ZeroOnInvalid: flag("zero"), ExcludePersistent: flag("persistent"),
		AllowIdle: flag("allow idle"), LimitToLagging: flag("limit"), Even: flag("even"),
		Threshold:           rapid.OneOf(rapid.Int64Range(1, 12), rapid.Int64Range(1, 1e6)).Draw(t, "threshold"),
		ActivationThreshold: rapid.Int64Range(0, 20).Draw(t, "activation threshold"),
	}
}

// drawAnswer draws small numbers most of the time, so that they meet and pass each other.
func drawAnswer(t *rapid.T, partitions int32) kedaport.Answer {
	a := kedaport.Answer{Commits: map[int32]int64{}, Starts: map[int32]int64{}, Ends: map[int32]int64{}}
	offset := rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, 60), rapid.Int64Range(0, 1e15))
	for p := range partitions {
		a.Commits[p] = -1
		if rapid.IntRange(0, 5).Draw(t, "has commit") > 0 {
			a.Commits[p] = offset.Draw(t, "commit")
		}
		if rapid.IntRange(0, 5).Draw(t, "has start") > 0 {
			a.Starts[p] = offset.Draw(t, "start")
		}
		if rapid.IntRange(0, 15).Draw(t, "has end") > 0 {
			a.Ends[p] = offset.Draw(t, "end")
		}
	}
	a.Failed = rapid.IntRange(0, 15).Draw(t, "failed") == 0
	return a
}

// offsetsOf is the same answer as a snapshot holds it.
func offsetsOf(a kedaport.Answer, partitions int32) []lag.Offsets {
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
			Committed:      a.Commits[p], LogStart: known(a.Starts, p), LogEnd: known(a.Ends, p), ObservedAt: now,
		})
	}
	if a.Failed {
		offsets[len(offsets)-1].Err = kedaport.ErrFailed
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
			ResetPolicy: lag.Latest, ZeroOnInvalidOffset: k.ZeroOnInvalid,
			ExcludePersistent: k.ExcludePersistent, MaxAge: time.Second,
		}
		if k.Earliest {
			rules.ResetPolicy = lag.Earliest
		}
		p := policy.Policy{
			LagThreshold: k.Threshold, ActivationLagThreshold: k.ActivationThreshold,
			AllowIdleConsumers: k.AllowIdle, LimitToPartitionsWithLag: k.LimitToLagging,
			Compatibility: policy.KEDA,
		}
		if k.Even {
			p.EvenDistribution = policy.ExactDistribution
		}
		// What KEDA does not have has no say.
		if rapid.Bool().Draw(t, "with what KEDA does not have") {
			p.PartitionsPerReplica, p.CoPartitioned, p.Groups = 3, true, policy.MaxOfGroups
			p.LagSecondsThreshold, p.ActivateOnAge, p.ActivationLagSeconds = 5, true, 7
			rules.Ages, rules.ReadCommitted, rules.ExcludePersistentFromActivation = true, true, true
		}
		partitions := rapid.Int32Range(1, 13).Draw(t, "partitions")
		var memory lag.Memory
		for range rapid.IntRange(1, 4).Draw(t, "evaluations") {
			a := drawAnswer(t, partitions)
			value, active, err := k.Evaluate(a)
			var r lag.Report
			r, memory = lag.ComputeKEDA(rules, offsetsOf(a, partitions), memory, now)
			d := p.Decide(of(r))
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
