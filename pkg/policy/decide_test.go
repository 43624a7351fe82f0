package policy_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

func anyPolicy() *rapid.Generator[policy.Policy] {
	threshold := rapid.OneOf(rapid.Int64Range(1, 20), rapid.Int64Range(1, math.MaxInt64))
	return rapid.Custom(func(t *rapid.T) policy.Policy {
		return policy.Policy{
			LagThreshold:             threshold.Draw(t, "threshold"),
			ActivationLagThreshold:   rapid.Int64Range(0, 20).Draw(t, "activation threshold"),
			AllowIdleConsumers:       rapid.Bool().Draw(t, "allow idle"),
			LimitToPartitionsWithLag: rapid.Bool().Draw(t, "limit"),
			EnsureEvenDistribution:   rapid.Bool().Draw(t, "even"),
		}
	})
}

func anyLags() *rapid.Generator[[]int64] {
	return rapid.SliceOfN(rapid.OneOf(
		rapid.Just(int64(0)), rapid.Int64Range(0, 200), rapid.Int64Range(0, math.MaxInt64)), 1, 60)
}

// reportOf is the report of a group with these lags.
func reportOf(lags ...int64) lag.Report {
	offsets := make([]lag.Offsets, len(lags))
	for i, l := range lags {
		offsets[i] = lag.Offsets{
			TopicPartition: lag.TopicPartition{Topic: "orders", Partition: int32(i)}, LogEnd: l, ObservedAt: now,
		}
	}
	return lag.Compute(lag.Rules{MaxAge: time.Second}, offsets, now)
}

// checkSteps: the steps are the way from the total to the value, without a gap.
func checkSteps(t *rapid.T, r lag.Report, d policy.Decision) {
	t.Helper()
	if d.Err != nil {
		if len(d.Steps) > 0 || d.Value != 0 || d.Active {
			t.Fatalf("a decision without a value has one: %+v", d)
		}
		return
	}
	value := r.Total
	last := len(d.Steps) - 1
	for i, s := range d.Steps[:last] {
		if s.Before != value || s.Reason == "" {
			t.Fatalf("step %d starts at %d after %d: %+v", i, s.Before, value, d.Steps)
		}
		value = s.After
	}
	if value != d.Value {
		t.Fatalf("steps lead to %d, value is %d: %+v", value, d.Value, d.Steps)
	}
	active := d.Steps[last]
	if active.Rule != policy.RuleActivation || active.Before != r.Activation || (active.After == 1) != d.Active {
		t.Fatalf("last step %+v of %+v", active, d)
	}
	if d.Steps[0].Rule != policy.RuleTotalLag {
		t.Fatalf("first step %+v", d.Steps[0])
	}
	if (d.Limit != "") != (d.Value < r.Total) {
		t.Fatalf("limit %q with %d of %d", d.Limit, d.Value, r.Total)
	}
}

func TestDecideInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, lags := anyPolicy().Draw(t, "policy"), anyLags().Draw(t, "lags")
		r := reportOf(lags...)
		d := p.Decide(r)
		checkSteps(t, r, d)
		if (d.Value == 0) != (r.Total == 0) {
			t.Fatalf("value %d for a total lag of %d", d.Value, r.Total)
		}
		if d.Value < 0 || d.Value > policy.LargestValue {
			t.Fatalf("value %d out of range", d.Value)
		}
		if d.Replicas() > math.MaxInt32 {
			t.Fatalf("%d replicas", d.Replicas())
		}
		bound := int64(len(lags))
		if p.LimitToPartitionsWithLag {
			bound = int64(r.Lagging)
		}
		capped := !p.AllowIdleConsumers || p.LimitToPartitionsWithLag || p.EnsureEvenDistribution
		if capped && (d.Replicas() > bound || d.MaxReplicas != bound) {
			t.Fatalf("%d replicas, at most %d, with a cap of %d", d.Replicas(), d.MaxReplicas, bound)
		}
		if !capped && d.MaxReplicas != 0 {
			t.Fatalf("at most %d replicas without a cap", d.MaxReplicas)
		}
		if p.EnsureEvenDistribution && !p.LimitToPartitionsWithLag && d.Value > 0 && d.Value < policy.LargestValue &&
			bound%d.Replicas() != 0 {
			t.Fatalf("%d replicas are not even for %d partitions", d.Replicas(), bound)
		}
	})
}

// More lag in one partition never asks for less, as long as the cap stays the same.
func TestDecideIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, lags := anyPolicy().Draw(t, "policy"), anyLags().Draw(t, "lags")
		grown := slices.Clone(lags)
		at := rapid.IntRange(0, len(lags)-1).Draw(t, "partition")
		grown[at] = max(lags[at], rapid.Int64Range(0, 300).Draw(t, "lag"))
		before, after := reportOf(lags...), reportOf(grown...)
		if p.LimitToPartitionsWithLag && before.Lagging != after.Lagging {
			return
		}
		if b, a := p.Decide(before).Value, p.Decide(after).Value; a < b {
			t.Fatalf("value fell from %d to %d while the lag grew from %d to %d", b, a, before.Total, after.Total)
		}
	})
}

func TestUnknownHasNoValue(t *testing.T) {
	for _, c := range []policy.Compatibility{policy.Corrected, policy.KEDA} {
		r := reportOf(100, 200)
		r.Err = errors.New("partition 1 is not known")
		d := policy.Policy{LagThreshold: 10, Compatibility: c}.Decide(r)
		if !errors.Is(d.Err, r.Err) || d.Value != 0 || d.Active || d.Steps != nil {
			t.Errorf("%q: %+v", c, d)
		}
	}
}

// An HPA that follows the value, whatever the lag does, can always go on to the cap: it
// comes to rest on no count below it from which its tolerance is in the way.
func TestHorizontalReachesTheCap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policy.Policy{LagThreshold: rapid.Int64Range(1, 1000).Draw(t, "threshold")}
		bound := rapid.Int64Range(1, 300).Draw(t, "partitions")
		h := policy.Horizontal{Tolerance: policy.DefaultTolerance}
		blocked := func(count int64) bool { return count < bound && 10*bound <= 11*count }

		replicas := rapid.Int64Range(1, bound).Filter(func(c int64) bool { return !blocked(c) }).Draw(t, "replicas")
		group := make([]int64, bound)
		for range rapid.IntRange(0, 20).Draw(t, "evaluations") {
			group[0] = rapid.Int64Range(0, bound*p.LagThreshold).Draw(t, "lag")
			d := p.Decide(reportOf(group...))
			replicas, _ = h.Desired(d.Value, d.Target, replicas)
			if blocked(replicas) {
				t.Fatalf("rests at %d of %d with value %d: %+v", replicas, bound, d.Value, d.Steps)
			}
		}
		group[0] = bound * p.LagThreshold
		d := p.Decide(reportOf(group...))
		if replicas, _ = h.Desired(d.Value, d.Target, replicas); replicas != bound {
			t.Fatalf("work for all leads to %d of %d", replicas, bound)
		}
	})
}

// The test above would be worth nothing if KEDA's own number passed it: KEDA issue 2908.
func TestHorizontalRestsBelowTheCapWithKEDA(t *testing.T) {
	group := make([]int64, 22)
	h := policy.Horizontal{Tolerance: policy.DefaultTolerance}
	for compatibility, want := range map[policy.Compatibility]int64{policy.KEDA: 21, policy.Corrected: 22} {
		p := policy.Policy{LagThreshold: 10, Compatibility: compatibility}
		replicas := int64(1)
		for _, group[0] = range []int64{201, 220, 10000} {
			d := p.Decide(reportOf(group...))
			replicas, _ = h.Desired(d.Value, d.Target, replicas)
		}
		if replicas != want {
			t.Errorf("%q: %d replicas, want %d", compatibility, replicas, want)
		}
	}
}
