package lag

import (
	"strings"
	"testing"
	"time"
)

func TestUncommitted(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	partition := func(committed int64, observed time.Time) Offsets {
		return Offsets{Committed: committed, LogStart: 0, LogEnd: 9, ObservedAt: observed}
	}
	for name, tc := range map[string]struct {
		offsets []Offsets
		want    bool
	}{
		"nowhere":             {[]Offsets{partition(NoCommit, now), partition(NoCommit, now)}, true},
		"in one":              {[]Offsets{partition(NoCommit, now), partition(0, now)}, false},
		"not known":           {[]Offsets{partition(NoCommit, now), partition(NoCommit, now.Add(-time.Hour))}, false},
		"without a partition": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := Compute(Rules{ResetPolicy: Latest, MaxAge: time.Minute}, tc.offsets, now)
			if got := r.Uncommitted(); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestWithoutCommit(t *testing.T) {
	for want, rules := range map[string]Rules{
		"counts 0":                 {ResetPolicy: Earliest, ZeroOnInvalidOffset: true},
		"all retained records":     {ResetPolicy: Earliest},
		"each partition counts 1,": {ResetPolicy: Latest},
	} {
		if got := rules.WithoutCommit(); !strings.Contains(got, want) || !strings.Contains(got, "check the group's name") {
			t.Errorf("%+v: got %q, want it to say %q", rules, got, want)
		}
	}
}
