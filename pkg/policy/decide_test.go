package policy_test

import (
	"errors"
	"fmt"
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
			EvenDistribution: rapid.SampledFrom([]policy.EvenDistribution{
				policy.AnyDistribution, policy.ExactDistribution, policy.NearDistribution,
			}).Draw(t, "even"),
			PartitionsPerReplica: rapid.OneOf(rapid.Int64Range(0, 7), rapid.Int64Range(0, math.MaxInt64)).Draw(t, "threads"),
			CoPartitioned:        rapid.Bool().Draw(t, "co-partitioned"),
			Groups:               rapid.SampledFrom([]policy.GroupMode{policy.SumOfGroups, policy.MaxOfGroups}).Draw(t, "groups"),
		}
	})
}

func anyLags() *rapid.Generator[[]int64] {
	return rapid.SliceOfN(rapid.OneOf(
		rapid.Just(int64(0)), rapid.Int64Range(0, 200), rapid.Int64Range(0, math.MaxInt64)), 1, 60)
}

// reportOf is the report of a group with these lags, all in one topic.
func reportOf(lags ...int64) lag.Report { return reportOfTopics(len(lags), lags...) }

// reportOfTopics deals the lags out to topics of so many partitions, the last of which may have fewer.
func reportOfTopics(partitions int, lags ...int64) lag.Report {
	offsets := make([]lag.Offsets, len(lags))
	for i, l := range lags {
		tp := lag.TopicPartition{Topic: fmt.Sprintf("orders-%d", i/partitions), Partition: int32(i % partitions)}
		offsets[i] = lag.Offsets{TopicPartition: tp, LogEnd: l, ObservedAt: now}
	}
	return lag.Compute(lag.Rules{MaxAge: time.Second}, offsets, now)
}

// capOf is the cap by its definition: the members that can have a partition, or one with lag, as many as
// a replica has threads.
func capOf(p policy.Policy, r lag.Report) int64 {
	members := map[string]bool{}
	for _, q := range r.Partitions {
		if p.LimitToPartitionsWithLag && q.Lag == 0 {
			continue
		}
		if p.CoPartitioned {
			q.Topic = ""
		}
		members[q.String()] = true
	}
	threads := max(1, p.PartitionsPerReplica)
	n := int64(len(members)) / threads
	if int64(len(members))%threads > 0 {
		n++
	}
	return n
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
		r := reportOfTopics(rapid.IntRange(1, 60).Draw(t, "partitions a topic"), lags...)
		d := p.Decide(of(r))
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
		bound := capOf(p, r)
		capped := !p.AllowIdleConsumers || p.LimitToPartitionsWithLag || p.EvenDistribution != policy.AnyDistribution
		if capped && (d.Replicas() > bound || d.MaxReplicas != bound) {
			t.Fatalf("%d replicas, at most %d, with a cap of %d", d.Replicas(), d.MaxReplicas, bound)
		}
		if !capped && d.MaxReplicas != 0 {
			t.Fatalf("at most %d replicas without a cap", d.MaxReplicas)
		}
		if !p.LimitToPartitionsWithLag && d.Value > 0 && d.Value < policy.LargestValue {
			checkEven(t, p, r, d.Replicas(), bound)
		}
	})
}

// checkEven holds a replica count to the definition of its distribution.
func checkEven(t *rapid.T, p policy.Policy, r lag.Report, replicas, bound int64) {
	all := p
	all.PartitionsPerReplica = 1
	partitions, threads := capOf(all, r), max(1, p.PartitionsPerReplica)
	busiest := func(replicas int64) int64 {
		if replicas > partitions/threads {
			return 1
		}
		return (partitions + replicas*threads - 1) / (replicas * threads)
	}
	switch p.EvenDistribution {
	case policy.ExactDistribution:
		if replicas != bound && (replicas > partitions/threads || partitions%(replicas*threads) != 0) {
			t.Fatalf("%d replicas of %d threads are not even for %d partitions", replicas, threads, partitions)
		}
	case policy.NearDistribution:
		if replicas > 1 && busiest(replicas) == busiest(replicas-1) {
			t.Fatalf("%d replicas of %d threads do no more for %d partitions than one fewer", replicas, threads, partitions)
		}
	}
}

// No lower count of the distribution would do.
func TestEvenDistributionTakesTheNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.IntRange(1, 130).Draw(t, "partitions")
		threads := rapid.Int64Range(1, 9).Draw(t, "threads")
		lags := make([]int64, partitions)
		lags[0] = rapid.Int64Range(1, int64(partitions)*10).Draw(t, "lag")
		for _, even := range []policy.EvenDistribution{policy.ExactDistribution, policy.NearDistribution} {
			p := policy.Policy{LagThreshold: 10, EvenDistribution: even, PartitionsPerReplica: threads}
			d := p.Decide(of(reportOf(lags...)))
			bound := (int64(partitions) + threads - 1) / threads
			want := bound
			for n := min(bound, (lags[0]+9)/10); n < bound; n++ {
				load := func(n int64) int64 { return (int64(partitions) + n*threads - 1) / (n * threads) }
				if (even == policy.ExactDistribution && int64(partitions)%(n*threads) == 0) ||
					(even == policy.NearDistribution && (n == 1 || load(n) < load(n-1))) {
					want = n
					break
				}
			}
			// Past the HPA's tolerance it is the cap.
			if 10*bound <= 11*want {
				want = bound
			}
			if d.Replicas() != want {
				t.Fatalf("%s: %d replicas, want %d: %+v", even, d.Replicas(), want, d.Steps)
			}
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
		if b, a := p.Decide(of(before)).Value, p.Decide(of(after)).Value; a < b {
			t.Fatalf("value fell from %d to %d while the lag grew from %d to %d", b, a, before.Total, after.Total)
		}
	})
}

// Several groups: as much as the rule for combining makes of each alone, but for what
// the whole has to get past the HPA's tolerance; and never more than the caps together.
func TestDecideSeveralGroups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPolicy().Draw(t, "policy")
		p.LagThreshold = rapid.Int64Range(1, 1000).Draw(t, "threshold")
		n := rapid.IntRange(2, 8).Draw(t, "groups")
		reports := make([]lag.Report, n)
		for i := range reports {
			reports[i] = reportOf(rapid.SliceOfN(rapid.Int64Range(0, 5000), 1, 30).Draw(t, "lags")...)
			reports[i].Group.Name = fmt.Sprintf("group-%d", i)
		}
		var value, bound, total, activation int64
		take := func(sofar *int64, next int64) {
			if p.Groups == policy.MaxOfGroups {
				*sofar = max(*sofar, next)
			} else {
				*sofar += next
			}
		}
		for _, r := range reports {
			alone := p.Decide(of(r))
			steps := slices.DeleteFunc(alone.Steps, func(s policy.Step) bool { return s.Rule == policy.RuleLastReplicas })
			take(&value, steps[len(steps)-2].After)
			take(&bound, alone.MaxReplicas)
			take(&total, r.Total)
			take(&activation, r.Activation)
		}
		d := p.Decide(policy.Input{Reports: reports})
		if d.Err != nil || d.Value < value || (d.Value == 0) != (total == 0) {
			t.Fatalf("value %d, error %v, want at least %d of %d", d.Value, d.Err, value, total)
		}
		if d.Active != (activation > p.ActivationLagThreshold) {
			t.Fatalf("active %t with %d: %+v", d.Active, activation, d.Steps)
		}
		if d.MaxReplicas != bound || (bound > 0 && d.Replicas() > bound) {
			t.Fatalf("%d replicas of at most %d, want at most %d", d.Replicas(), d.MaxReplicas, bound)
		}
		raised := slices.ContainsFunc(d.Steps, func(s policy.Step) bool { return s.Rule == policy.RuleLastReplicas })
		if (d.Value > value) != (raised && d.Value != value) || (raised && d.Replicas() != bound) {
			t.Fatalf("value %d for %d: %+v", d.Value, value, d.Steps)
		}
		checkGroupSteps(t, reports, d)
		shuffled := rapid.Permutation(reports).Draw(t, "shuffled")
		if again := p.Decide(policy.Input{Reports: shuffled}); again.Value != d.Value || again.Active != d.Active || again.MaxReplicas != d.MaxReplicas {
			t.Fatalf("in another order %+v, was %+v", again, d)
		}
	})
}

// checkGroupSteps: each group's steps are a way without a gap, and so are those of the whole.
func checkGroupSteps(t *rapid.T, reports []lag.Report, d policy.Decision) {
	steps := d.Steps
	for _, r := range reports {
		value := r.Total
		for len(steps) > 0 && steps[0].Group == r.Group.Name {
			if steps[0].Before != value {
				t.Fatalf("%s starts at %d after %d: %+v", steps[0].Rule, steps[0].Before, value, d.Steps)
			}
			value, steps = steps[0].After, steps[1:]
		}
	}
	if len(steps) < 2 || steps[0].Rule != policy.RuleConsumerGroups {
		t.Fatalf("steps of the whole: %+v", steps)
	}
	value := steps[0].Before
	for _, s := range steps[:len(steps)-1] {
		if s.Group != "" || s.Before != value {
			t.Fatalf("%+v after %d", s, value)
		}
		value = s.After
	}
	if value != d.Value || steps[len(steps)-1].Rule != policy.RuleActivation {
		t.Fatalf("steps lead to %d, value is %d: %+v", value, d.Value, d.Steps)
	}
}

// The metric in seconds is 0 exactly where there is no lag, at most the caps, and what
// ceil(age) in records would give.
func TestDecideSeconds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPolicy().Draw(t, "policy")
		p.LagSecondsThreshold = rapid.Int64Range(1, 1000).Draw(t, "seconds")
		r := reportOf(rapid.SliceOfN(rapid.Int64Range(0, 50), 1, 60).Draw(t, "lags")...)
		if r.Total > 0 {
			r.Age = time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "age"))
			r.ActivationAge = r.Age
		}
		d := p.Decide(of(r))
		if d.Err != nil || d.Unit != policy.Seconds || d.Target != p.LagSecondsThreshold || (d.Value == 0) != (r.Total == 0) {
			t.Fatalf("%+v", d)
		}
		records := p
		records.LagThreshold, records.LagSecondsThreshold = p.LagSecondsThreshold, 0
		same := r
		if same.Total = int64((r.Age + time.Second - 1) / time.Second); same.Total > 0 {
			same.Activation = r.Activation
		}
		if want := records.Decide(of(same)); d.Value != want.Value || d.MaxReplicas != want.MaxReplicas || d.Limit != want.Limit || d.Active != want.Active {
			t.Fatalf("%+v, in records %+v", d, want)
		}
		checkActivationByAge(t, p, r)
	})
}

func checkActivationByAge(t *rapid.T, p policy.Policy, r lag.Report) {
	p.ActivateOnAge = true
	p.ActivationLagSeconds = rapid.Int64Range(0, 3600).Draw(t, "tolerated")
	if d := p.Decide(of(r)); d.Active != (r.ActivationAge > time.Duration(p.ActivationLagSeconds)*time.Second) {
		t.Fatalf("active %t at %s, %d s tolerated", d.Active, r.ActivationAge, p.ActivationLagSeconds)
	}
	r.ActivationAgeErr = errors.New("broker 2 does not answer")
	d := p.Decide(of(r))
	if known := r.ActivationAge > time.Duration(p.ActivationLagSeconds)*time.Second; d.Active != known || (d.Err == nil) != known {
		t.Fatalf("with an age that is not known: %+v", d)
	}
}

// Whoever forgets to ask for ages gets no false zero.
func TestAgesThatNobodyAskedFor(t *testing.T) {
	r := reportOf(7)
	for _, p := range []policy.Policy{
		{LagSecondsThreshold: 30},
		{LagThreshold: 10, ActivateOnAge: true},
	} {
		if d := p.Decide(of(r)); d.Err == nil || d.Steps != nil || d.Value != 0 {
			t.Errorf("%+v became %+v", p, d)
		}
		if d := p.Decide(of(reportOf(0))); d.Err != nil || d.Active {
			t.Errorf("without lag %+v became %+v", p, d)
		}
	}
}

func TestDecideRefusesCombinations(t *testing.T) {
	if d := (policy.Policy{LagThreshold: 10}).Decide(policy.Input{}); d.Err == nil {
		t.Errorf("no group became %+v", d)
	}
	if d := (policy.Policy{LagThreshold: 10, Compatibility: policy.KEDA}).Decide(of(reportOf(1), reportOf(2))); d.Err == nil {
		t.Errorf("two groups of KEDA's became %+v", d)
	}
}

// KEDA's own trigger fails as a whole where one partition does.
func TestUnknownHasNoValue(t *testing.T) {
	for c, active := range map[policy.Compatibility]bool{policy.Corrected: true, policy.KEDA: false} {
		r := reportOf(100, 200)
		r.Err = errors.New("partition 1 is not known")
		d := policy.Policy{LagThreshold: 10, Compatibility: c}.Decide(of(r))
		if !errors.Is(d.Err, r.Err) || d.Value != 0 || d.Replicas() != 0 || d.Active != active || (len(d.Steps) == 1) != active {
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
			d := p.Decide(of(reportOf(group...)))
			replicas, _ = h.Desired(d.Value, d.Target, replicas)
			if blocked(replicas) {
				t.Fatalf("rests at %d of %d with value %d: %+v", replicas, bound, d.Value, d.Steps)
			}
		}
		group[0] = bound * p.LagThreshold
		d := p.Decide(of(reportOf(group...)))
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
			d := p.Decide(of(reportOf(group...)))
			replicas, _ = h.Desired(d.Value, d.Target, replicas)
		}
		if replicas != want {
			t.Errorf("%q: %d replicas, want %d", compatibility, replicas, want)
		}
	}
}

func TestReplicas(t *testing.T) {
	for _, c := range []struct{ value, target, want int64 }{{0, 10, 0}, {1, 10, 1}, {10, 10, 1}, {11, 10, 2}, {math.MaxInt64, 1, math.MaxInt64}, {5, 0, 0}} {
		if got := (policy.Decision{Value: c.value, Target: c.target}).Replicas(); got != c.want {
			t.Errorf("%d of %d: got %d, want %d", c.value, c.target, got, c.want)
		}
	}
	if got := (policy.Decision{Value: 5, Target: 1, Err: errors.New("not known")}).Replicas(); got != 0 {
		t.Errorf("%d replicas of a value that is not known", got)
	}
}
