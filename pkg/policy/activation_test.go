package policy_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// What is active although some of it cannot be read is active whatever the rest turns out
// to be, and the value stays an error. The reverse holds for the smallest rest there
// can be: a proof that was there is not overlooked.
func TestKnownActivityIsProof(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, p := anyActivation(t)
		groups := rapid.IntRange(1, 3).Draw(t, "groups")
		partial, whole, least := make([]lag.Report, groups), make([]lag.Report, groups), make([]lag.Report, groups)
		var unknown bool
		for i := range groups {
			offsets := rapid.SliceOfN(anyOffsets(), 1, 6).Draw(t, "offsets")
			seen, done := slices.Clone(offsets), slices.Clone(offsets)
			for j := range seen {
				seen[j].Partition, offsets[j].Partition, done[j].Partition = int32(j), int32(j), int32(j)
				if rapid.IntRange(0, 2).Draw(t, "readable") > 0 {
					continue
				}
				unknown = true
				seen[j].ObservedAt, seen[j].MovedAt = now.Add(-time.Hour), time.Time{}
				done[j] = lag.Offsets{TopicPartition: done[j].TopicPartition, ObservedAt: now, MovedAt: now}
			}
			partial[i], whole[i], least[i] = lag.Compute(rules, seen, now), lag.Compute(rules, offsets, now), lag.Compute(rules, done, now)
			for _, r := range []*lag.Report{&partial[i], &whole[i], &least[i]} {
				r.Group.Name = fmt.Sprintf("group-%d", i)
			}
		}
		got, truth, lowest := p.Decide(policy.Input{Reports: partial}), p.Decide(policy.Input{Reports: whole}), p.Decide(policy.Input{Reports: least})
		if unknown && (got.Err == nil || got.Value != 0 || got.MaxReplicas != 0) {
			t.Fatalf("a value although a partition is not known: %+v", got)
		}
		if got.Active && !truth.Active {
			t.Fatalf("active without proof: %+v, in truth %+v", got, truth)
		}
		if lowest.Active && !got.Active {
			t.Fatalf("proof overlooked: %+v, at the least %+v", got, lowest)
		}
		if unknown && got.Active != (len(got.Steps) == 1 && got.Steps[0].Rule == policy.RuleActivation && got.Steps[0].After == 1) {
			t.Fatalf("steps without a value: %+v", got)
		}
	})
}

func anyActivation(t *rapid.T) (lag.Rules, policy.Policy) {
	p := policy.Policy{
		LagThreshold:           10,
		ActivationLagThreshold: rapid.Int64Range(0, 40).Draw(t, "activation threshold"),
		ActivateOnAge:          rapid.Bool().Draw(t, "by age"),
		ActivationLagSeconds:   rapid.Int64Range(0, 40).Draw(t, "activation seconds"),
		Groups:                 rapid.SampledFrom([]policy.GroupMode{policy.SumOfGroups, policy.MaxOfGroups}).Draw(t, "mode"),
	}
	if rapid.Bool().Draw(t, "seconds") {
		p.LagSecondsThreshold = 30
	}
	exclude := rapid.Bool().Draw(t, "exclude")
	return lag.Rules{
		ResetPolicy:                     rapid.SampledFrom([]lag.ResetPolicy{lag.Latest, lag.Earliest}).Draw(t, "reset policy"),
		ExcludePersistent:               exclude,
		ExcludePersistentFromActivation: exclude,
		PersistentAfter:                 time.Minute,
		MaxAge:                          10 * time.Second,
		Ages:                            p.NeedsAges(),
	}, p
}

func anyOffsets() *rapid.Generator[lag.Offsets] {
	return rapid.Custom(func(t *rapid.T) lag.Offsets {
		ago := func(name string) time.Time {
			return now.Add(-rapid.SampledFrom([]time.Duration{0, 30 * time.Second, 70 * time.Second, 3 * time.Minute}).Draw(t, name))
		}
		o := lag.Offsets{
			Committed:  rapid.Int64Range(-1, 30).Draw(t, "committed"),
			LogEnd:     rapid.Int64Range(0, 30).Draw(t, "end"),
			ObservedAt: now,
		}
		if o.LogEnd > o.Committed && o.Committed >= 0 {
			o.StalledSince = ago("stalled")
		}
		if rapid.Bool().Draw(t, "has moved") {
			o.MovedAt = ago("moved")
		}
		o.Oldest = &lag.Oldest{Committed: o.Committed, Timestamp: ago("oldest"), ObservedAt: now}
		return o
	})
}

// A defect of the caller proves nothing.
func TestDefectsAreNotActive(t *testing.T) {
	r := reportOf(100)
	r.Err = errors.New("partition 1 is not known")
	for name, d := range map[string]policy.Decision{
		"no threshold": policy.Policy{}.Decide(of(r)),
		"no ages":      policy.Policy{LagSecondsThreshold: 30}.Decide(of(reportOf(100))),
	} {
		if d.Err == nil || d.Active || d.Steps != nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
