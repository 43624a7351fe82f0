package lag_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// anyOffsets draws whatever a broker, or a defect of ours, might say of a partition.
func anyOffsets() *rapid.Generator[lag.Offsets] {
	offset := rapid.OneOf(rapid.Just(lag.Unknown), rapid.Int64Range(0, 50), rapid.Int64Range(0, math.MaxInt64))
	ago := rapid.OneOf(rapid.Just(time.Duration(0)), rapid.Just(5*time.Second), rapid.Just(time.Minute))
	return rapid.Custom(func(t *rapid.T) lag.Offsets {
		o := lag.Offsets{
			Committed: offset.Draw(t, "committed"), LogStart: offset.Draw(t, "start"), LogEnd: offset.Draw(t, "end"),
			ObservedAt: now.Add(-ago.Draw(t, "age")),
		}
		if rapid.Bool().Draw(t, "stalled") {
			o.StalledSince = now.Add(-ago.Draw(t, "stalled for"))
		}
		if rapid.IntRange(0, 9).Draw(t, "never") == 0 {
			o.ObservedAt = time.Time{}
		}
		if rapid.IntRange(0, 3).Draw(t, "failed") == 0 {
			o.Err = errors.New("broker 2 does not answer")
		}
		return o
	})
}

func anyRules() *rapid.Generator[lag.Rules] {
	return rapid.Custom(func(t *rapid.T) lag.Rules {
		return lag.Rules{
			ResetPolicy:         rapid.SampledFrom([]lag.ResetPolicy{lag.Latest, lag.Earliest}).Draw(t, "policy"),
			ZeroOnInvalidOffset: rapid.Bool().Draw(t, "zero"),
			ExcludePersistent:   rapid.Bool().Draw(t, "persistent"),
			PersistentAfter:     time.Second,
			MaxAge:              10 * time.Second,
		}
	})
}

func anyGroup() *rapid.Generator[[]lag.Offsets] {
	return rapid.Custom(func(t *rapid.T) []lag.Offsets {
		offsets := rapid.SliceOfN(anyOffsets(), 0, 8).Draw(t, "offsets")
		for i := range offsets {
			offsets[i].TopicPartition = lag.TopicPartition{Topic: "orders", Partition: int32(i)}
		}
		return offsets
	})
}

func TestComputeInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, offsets := anyRules().Draw(t, "rules"), anyGroup().Draw(t, "group")
		before := slices.Clone(offsets)
		r := lag.Compute(rules, offsets, now)
		if !slices.Equal(offsets, before) {
			t.Fatal("the offsets given were changed")
		}
		if len(r.Partitions) != len(offsets) {
			t.Fatalf("%d partitions for %d offsets", len(r.Partitions), len(offsets))
		}
		var unknown []lag.TopicPartition
		for i, p := range r.Partitions {
			checkPartition(t, rules, p)
			if p.Offsets != offsets[i] {
				t.Fatalf("partition %d: offsets %v became %v", i, offsets[i], p.Offsets)
			}
			if p.Err != nil {
				unknown = append(unknown, p.TopicPartition)
			}
		}
		if got := r.Unknown(); !slices.Equal(got, unknown) {
			t.Fatalf("Unknown() = %v, want %v", got, unknown)
		}
		if (r.Err != nil) != (len(unknown) > 0 || len(offsets) == 0) {
			t.Fatalf("Err = %v with %d unknown of %d", r.Err, len(unknown), len(offsets))
		}
		if r.Total < 0 || r.Activation < r.Total || r.Lost < 0 {
			t.Fatalf("sums: %+v", r)
		}
	})
}

func checkPartition(t *rapid.T, rules lag.Rules, p lag.Partition) {
	if p.Lag < 0 || p.ActivationLag < p.Lag || p.Lost < 0 {
		t.Fatalf("negative or inconsistent: %+v", p)
	}
	if (p.Err != nil) != (p.Reason == lag.ReasonUnknown) {
		t.Fatalf("Err %v with reason %q", p.Err, p.Reason)
	}
	old := p.ObservedAt.IsZero() || now.Sub(p.ObservedAt) > rules.MaxAge
	if old && p.Err == nil {
		t.Fatalf("old offsets taken for an answer: %+v", p)
	}
	if p.Err != nil {
		var e *fault.Error
		if !errors.As(p.Err, &e) || p.Lag != 0 || p.ActivationLag != 0 {
			t.Fatalf("unknown: %+v", p)
		}
		if p.Offsets.Err != nil && !errors.Is(p.Err, p.Offsets.Err) {
			t.Fatalf("%v does not lead to its cause %v", p.Err, p.Offsets.Err)
		}
		return
	}
	// Whatever the rules: no more lag than records retained, but for the one that wakes a consumer.
	if p.LogEnd >= 0 && p.ActivationLag > max(1, p.LogEnd-max(0, p.LogStart)) {
		t.Fatalf("more lag than records: %+v", p)
	}
}

// Lag never falls because records were produced.
func TestComputeGrowsWithTheLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := anyRules().Draw(t, "rules")
		rules.ExcludePersistent = false
		o := lag.Offsets{
			Committed: rapid.Int64Range(-1, 50).Draw(t, "committed"),
			LogStart:  rapid.Int64Range(0, 50).Draw(t, "start"), ObservedAt: now,
		}
		// A log that ends below the commit was truncated, and what consumers do then is another rule.
		o.LogEnd = max(o.Committed, o.LogStart) + rapid.Int64Range(0, 50).Draw(t, "lag")
		grown := o
		grown.LogEnd += rapid.Int64Range(0, 50).Draw(t, "produced")
		small, large := lag.Compute(rules, []lag.Offsets{o}, now), lag.Compute(rules, []lag.Offsets{grown}, now)
		if small.Total > large.Total {
			t.Fatalf("%d records of lag became %d", small.Total, large.Total)
		}
	})
}

// The order in which partitions are given decides nothing, in KEDA's rules too.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, offsets := anyRules().Draw(t, "rules"), anyGroup().Draw(t, "group")
		memory := lag.Memory{
			{Topic: "orders", Partition: 0}: rapid.Int64Range(0, 50).Draw(t, "remembered"),
			{Topic: "orders", Partition: 1}: 7,
		}
		shuffled := rapid.Permutation(offsets).Draw(t, "shuffled")

		a, b := lag.Compute(rules, offsets, now), lag.Compute(rules, shuffled, now)
		compareSums(t, a, b)
		a, memoryA := lag.ComputeKEDA(rules, offsets, memory, now)
		b, memoryB := lag.ComputeKEDA(rules, shuffled, memory, now)
		if noOverflow(offsets) {
			compareSums(t, a, b)
		}
		if diff := cmp.Diff(memoryA, memoryB); diff != "" {
			t.Fatalf("memory (-in order +shuffled):\n%s", diff)
		}
	})
}

// noOverflow: saturating sums of mixed sign depend on the order, by nature.
func noOverflow(offsets []lag.Offsets) bool {
	return !slices.ContainsFunc(offsets, func(o lag.Offsets) bool {
		return max(o.Committed, o.LogEnd, o.LogStart) > math.MaxInt64/16
	})
}

func compareSums(t *rapid.T, a, b lag.Report) {
	t.Helper()
	if a.Total != b.Total || a.Activation != b.Activation || a.Lost != b.Lost || a.Lagging != b.Lagging ||
		!a.ObservedAt.Equal(b.ObservedAt) || (a.Err == nil) != (b.Err == nil) {
		t.Fatalf("in order %+v\nshuffled %+v", a, b)
	}
}

func TestMemoryIsNeverChanged(t *testing.T) {
	rules := lag.Rules{ExcludePersistent: true, MaxAge: time.Second}
	tp := lag.TopicPartition{Topic: "orders", Partition: 3}
	offsets := []lag.Offsets{{TopicPartition: tp, Committed: 10, LogEnd: 39, ObservedAt: now}}

	_, first := lag.ComputeKEDA(rules, offsets, nil, now)
	if diff := cmp.Diff(lag.Memory{tp: 10}, first); diff != "" {
		t.Fatalf("first call (-want +got):\n%s", diff)
	}
	offsets[0].Committed = 11
	_, second := lag.ComputeKEDA(rules, offsets, first, now)
	if diff := cmp.Diff(lag.Memory{tp: 11}, second); diff != "" {
		t.Fatalf("second call (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(lag.Memory{tp: 10}, first); diff != "" {
		t.Fatalf("the first memory was changed (-want +got):\n%s", diff)
	}
	offsets[0].Err = errors.New("broker 2 does not answer")
	if _, third := lag.ComputeKEDA(rules, offsets, second, now); third != nil {
		t.Fatalf("a failed call remembers %v", third)
	}
}

// An error of ours is worth no more than what it leads to: callers branch on the kind.
func TestReportErrKeepsTheCause(t *testing.T) {
	cause := &fault.Error{Kind: fault.Denied, Op: "read the commits of", Object: `consumer group "billing"`, Remedy: "allow Read on it"}
	offsets := []lag.Offsets{{Err: fmt.Errorf("refresh: %w", cause)}}
	r := lag.Compute(lag.Rules{}, offsets, now)
	if !errors.Is(r.Err, cause) || fault.KindOf(r.Err) != fault.Denied {
		t.Errorf("kind %v of %v", fault.KindOf(r.Err), r.Err)
	}
	want := `compute the lag of 1 of 1 partitions (-0): its offsets were never read, and the newest read failed: ` +
		`refresh: read the commits of consumer group "billing"; allow Read on it`
	if r.Err.Error() != want {
		t.Errorf("got  %s\nwant %s", r.Err, want)
	}
}
