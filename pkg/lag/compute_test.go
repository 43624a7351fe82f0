package lag_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
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
		if rapid.Bool().Draw(t, "moved") {
			o.MovedAt = now.Add(-ago.Draw(t, "moved ago"))
		}
		o.HighWatermark, o.Done = offset.Draw(t, "high watermark"), rapid.Int64Range(0, 60).Draw(t, "done")
		o.Inspected, o.Oldest = anyInspection(t, o), anyOldest(t, o)
		if rapid.IntRange(0, 9).Draw(t, "never") == 0 {
			o.ObservedAt = time.Time{}
		}
		if rapid.IntRange(0, 3).Draw(t, "failed") == 0 {
			o.Err = errors.New("broker 2 does not answer")
		}
		return o
	})
}

// anyInspection draws one that was made for the offsets half of the time.
func anyInspection(t *rapid.T, o lag.Offsets) *lag.Inspection {
	if rapid.Bool().Draw(t, "not inspected") {
		return nil
	}
	in := &lag.Inspection{
		Committed: o.Committed, LogEnd: o.LogEnd,
		ReadCommitted: rapid.Bool().Draw(t, "as read_committed"), Empty: rapid.Bool().Draw(t, "empty"),
	}
	switch rapid.IntRange(0, 5).Draw(t, "inspection of") {
	case 0:
		in.Committed += rapid.Int64Range(-1, 1).Draw(t, "other commit")
	case 1:
		in.LogEnd += rapid.Int64Range(-1, 1).Draw(t, "other end")
	case 2:
		in.Err = errors.New("the topic may not be read")
	}
	return in
}

func anyOldest(t *rapid.T, o lag.Offsets) *lag.Oldest {
	if rapid.IntRange(0, 3).Draw(t, "no timestamp") == 0 {
		return nil
	}
	oldest := &lag.Oldest{
		Committed: o.Committed, ObservedAt: now.Add(-rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute}).Draw(t, "found")),
		Timestamp: now.Add(-time.Duration(rapid.Int64Range(-20_000, 100_000).Draw(t, "record's age")) * time.Millisecond),
	}
	switch rapid.IntRange(0, 5).Draw(t, "oldest of") {
	case 0:
		oldest.Committed = rapid.Int64Range(-1, 50).Draw(t, "other commit")
	case 1:
		oldest.Err = errors.New("the broker has no timestamp for it")
	case 2:
		oldest.Timestamp = time.Time{}
	}
	return oldest
}

func anyRules() *rapid.Generator[lag.Rules] {
	return rapid.Custom(func(t *rapid.T) lag.Rules {
		return lag.Rules{
			ResetPolicy:         rapid.SampledFrom([]lag.ResetPolicy{lag.Latest, lag.Earliest}).Draw(t, "policy"),
			ZeroOnInvalidOffset: rapid.Bool().Draw(t, "zero"),
			ExcludePersistent:   rapid.Bool().Draw(t, "persistent"),
			PersistentAfter:     time.Second,
			MaxAge:              10 * time.Second,

			ReadCommitted:                   rapid.Bool().Draw(t, "read_committed"),
			ExcludePersistentFromActivation: rapid.Bool().Draw(t, "from activation"),
			Ages:                            rapid.Bool().Draw(t, "ages"),
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
		checkExcluded(t, rules, r)
		checkAges(t, rules, r)
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

// checkExcluded: nothing is left out without its proof.
func checkExcluded(t *rapid.T, rules lag.Rules, r lag.Report) {
	plain := rules
	plain.ExcludePersistent = false
	for i, p := range r.Partitions {
		bare := p.Offsets
		bare.Inspected = nil
		whole := lag.Compute(plain, []lag.Offsets{bare}, now).Partitions[0]
		if p.Err == nil && p.Lag+p.Excluded != whole.Lag {
			t.Fatalf("partition %d: %d and %d left out of %d", i, p.Lag, p.Excluded, whole.Lag)
		}
		switch p.Reason {
		case lag.ReasonPhantom:
			in := p.Inspected
			if in == nil || !in.Empty || in.Err != nil || in.ReadCommitted != rules.ReadCommitted ||
				in.Committed != p.Committed || in.LogEnd != p.LogEnd || p.Committed < 0 || p.Committed >= p.LogEnd {
				t.Fatalf("partition %d is no phantom: %+v, inspected %+v", i, p, in)
			}
		case lag.ReasonPersistent:
			if !rules.ExcludePersistent || now.Sub(p.StalledSince) < rules.PersistentAfter || p.StalledSince.IsZero() {
				t.Fatalf("partition %d is not persistent: %+v", i, p)
			}
			worked := slices.ContainsFunc(r.Partitions, func(other lag.Partition) bool {
				// What cannot be read may have moved at this moment.
				unread := other.ObservedAt.IsZero() || now.Sub(other.ObservedAt) > rules.MaxAge
				return unread || !other.MovedAt.Before(p.StalledSince.Add(rules.PersistentAfter))
			})
			if excluded := rules.ExcludePersistentFromActivation && worked; (p.ActivationLag == 0) != excluded {
				t.Fatalf("partition %d: activation lag %d, group at work: %t", i, p.ActivationLag, worked)
			}
		default:
			if p.Excluded != 0 || p.ActivationLag != p.Lag {
				t.Fatalf("partition %d: %+v", i, p)
			}
		}
	}
}

// checkAges: 0 exactly where there is no lag, unknown where any age that counts is, and else the largest.
func checkAges(t *rapid.T, rules lag.Rules, r lag.Report) {
	var oldest, oldestForActivation time.Duration
	var unknown, unknownForActivation bool
	for i, p := range r.Partitions {
		if (p.AgeErr != nil) != (p.Age == -1) || (!rules.Ages && (p.Age != 0 || p.AgeErr != nil)) {
			t.Fatalf("partition %d: age %s, error %v", i, p.Age, p.AgeErr)
		}
		if p.AgeErr == nil && rules.Ages && (p.Age == 0) != (p.ActivationLag == 0) {
			t.Fatalf("partition %d: age %s with a lag of %d", i, p.Age, p.ActivationLag)
		}
		unknownForActivation = unknownForActivation || p.AgeErr != nil
		unknown = unknown || (p.AgeErr != nil && p.Lag > 0)
		oldestForActivation = max(oldestForActivation, p.Age)
		if p.Lag > 0 {
			oldest = max(oldest, p.Age)
		}
	}
	if r.Age != oldest || r.ActivationAge != oldestForActivation ||
		(r.AgeErr != nil) != unknown || (r.ActivationAgeErr != nil) != unknownForActivation {
		t.Fatalf("ages %s %v and %s %v, want %s and %s", r.Age, r.AgeErr, r.ActivationAge, r.ActivationAgeErr, oldest, oldestForActivation)
	}
	for _, err := range []error{r.AgeErr, r.ActivationAgeErr} {
		var e *fault.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%v is no *fault.Error", err)
		}
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
		if a.Age != b.Age || a.ActivationAge != b.ActivationAge || a.Phantom != b.Phantom || a.Persistent != b.Persistent {
			t.Fatalf("in order %+v\nshuffled %+v", a, b)
		}
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

// TestOneCauseIsToldOnce: a broker that is gone fails each of its partitions with a
// text that names the partition, and is one cause all the same.
func TestOneCauseIsToldOnce(t *testing.T) {
	now := time.Unix(1000, 0)
	var offsets []lag.Offsets
	for p := range int32(3) {
		tp := lag.TopicPartition{Topic: "orders", Partition: p}
		offsets = append(offsets, lag.Offsets{TopicPartition: tp, ObservedAt: now.Add(-time.Minute), Err: &fault.Error{
			Kind: fault.Unavailable, Op: "read the log end offset of", Object: tp.String(), Err: errors.New("broker 2: connection refused"),
		}})
	}
	err := lag.Compute(lag.Rules{MaxAge: time.Second}, offsets, now).Err
	if n := strings.Count(err.Error(), "connection refused"); n != 1 {
		t.Errorf("the cause is told %d times in %q", n, err)
	}
}
