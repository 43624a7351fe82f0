package policy_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaport"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// The HPA computes with floats. Within 2,000 replicas and 10^6 records a replica that
// comes to the same as the definition in whole numbers, borders included.
func TestDesiredEqualsTheDefinition(t *testing.T) {
	h := policy.Horizontal{Tolerance: policy.DefaultTolerance}
	rapid.Check(t, func(t *rapid.T) {
		current := rapid.Int64Range(1, 2000).Draw(t, "current")
		target := rapid.Int64Range(1, 1e6).Draw(t, "target")
		capacity := current * target
		value := rapid.OneOf(
			rapid.Int64Range(0, 3*capacity),
			rapid.Int64Range(11*capacity/10-1, 11*capacity/10+1),
			rapid.Int64Range(max(0, 9*capacity/10-1), 9*capacity/10+1),
		).Draw(t, "value")

		want := max(1, (value+target-1)/target)
		if 9*capacity <= 10*value && 10*value <= 11*capacity {
			want = current
		}
		got, reason := h.Desired(value, target, current)
		if got != want || reason == "" {
			t.Fatalf("got %d (%s), want %d", got, reason, want)
		}
	})
}

// The same for a Value target: ceil(current x value / target), but for 0.9 to 1.1.
func TestDesiredByValueEqualsTheDefinition(t *testing.T) {
	h := policy.Horizontal{Tolerance: policy.DefaultTolerance, ByValue: true}
	rapid.Check(t, func(t *rapid.T) {
		current := rapid.Int64Range(1, 2000).Draw(t, "current")
		target := rapid.Int64Range(1, 1e6).Draw(t, "target")
		value := rapid.Int64Range(0, 3*target).Draw(t, "value")
		want := max(1, (value*current+target-1)/target)
		if 9*target <= 10*value && 10*value <= 11*target {
			want = current
		}
		// The HPA computes in floats, so that a ratio such as 1/3 may come out as much as one replica higher.
		got, reason := h.Desired(value, target, current)
		if got != want && got != want+1 || reason == "" || got > want && value*current%target != 0 {
			t.Fatalf("got %d (%s), want %d", got, reason, want)
		}
	})
}

// From c replicas the lowest count above that the HPA can be made to take is
// floor(1.1 x c) + 1, for any metric value.
func TestLowestReachableReplicas(t *testing.T) {
	h := policy.Horizontal{Tolerance: policy.DefaultTolerance}
	for current, want := range map[int64]int64{1: 2, 9: 10, 10: 12, 20: 23, 40: 45, 100: 111} {
		var lowest int64
		for value := current * 10; lowest <= current; value++ {
			lowest, _ = h.Desired(value, 10, current)
		}
		if lowest != want {
			t.Errorf("from %d: %d, want %d", current, lowest, want)
		}
	}
}

func TestUnreachable(t *testing.T) {
	h := policy.Horizontal{Tolerance: policy.DefaultTolerance}
	d := policy.Decision{Value: 420, Target: 10, MaxReplicas: 42}
	for _, c := range []struct {
		name    string
		h       policy.Horizontal
		d       policy.Decision
		current int64
		blocked bool
	}{
		{"doubled to just below the cap", h, d, 40, true},
		{"at the cap", h, d, 42, false},
		{"far below", h, d, 20, false},
		{"above", h, d, 43, false},
		{"no replicas", h, d, 0, false},
		{"no tolerance", policy.Horizontal{}, d, 40, false},
		{"the maximum is what it has", policy.Horizontal{Tolerance: 0.1, MaxReplicas: 40}, d, 40, false},
		{"no value", h, policy.Decision{Target: 10, Err: kedaport.ErrFailed}, 40, false},
	} {
		reason := c.h.Unreachable(c.d, c.current)
		if (reason != "") != c.blocked {
			t.Errorf("%s: %q", c.name, reason)
		}
		if c.blocked && !strings.Contains(reason, `behavior.scaleUp.tolerance: "0"`) {
			t.Errorf("%s: %q does not name the setting", c.name, reason)
		}
	}
}

func TestOutcomesWithoutValue(t *testing.T) {
	if got := (policy.Horizontal{}).Outcomes(policy.Decision{Target: 10, Err: kedaport.ErrFailed}, 1, 2); got != nil {
		t.Errorf("got %v", got)
	}
}

// The counts picked cover both sides of every border of the tolerance.
func TestOutcomesPickTheBorders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := policy.Horizontal{Tolerance: policy.DefaultTolerance}
		d := policy.Decision{Target: rapid.Int64Range(1, 100).Draw(t, "target")}
		d.Value = rapid.Int64Range(0, 100*d.Target).Draw(t, "value")
		picked := map[int64]bool{}
		last := int64(0)
		for _, o := range h.Outcomes(d) {
			if o.Current <= last {
				t.Fatalf("%d after %d", o.Current, last)
			}
			last = o.Current
			picked[o.Current] = true
		}
		tolerated := func(c int64) bool { return 9*c*d.Target <= 10*d.Value && 10*d.Value <= 11*c*d.Target }
		for c := int64(1); c < 130; c++ {
			if tolerated(c) != tolerated(c+1) && (!picked[c] || !picked[c+1]) {
				t.Fatalf("%d and %d differ, picked %v", c, c+1, picked)
			}
		}
	})
}
