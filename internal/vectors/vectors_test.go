package vectors

import (
	"slices"
	"testing"
)

func TestAllIsComplete(t *testing.T) {
	all := All()
	if len(all) != 10 {
		t.Fatalf("got %d vectors, want the 10 of the reference", len(all))
	}
	names := map[string]bool{}
	for _, v := range all {
		if names[v.Name] {
			t.Errorf("%s: name used twice", v.Name)
		}
		names[v.Name] = true
		if len(v.Lags) == 0 || v.Threshold < 1 {
			t.Errorf("%s: no lags or no threshold: %+v", v.Name, v)
		}
		for which, o := range map[string]Outcome{"keda": v.KEDA, "corrected": v.Corrected} {
			if want := (o.Value + v.Threshold - 1) / v.Threshold; o.Replicas != want {
				t.Errorf("%s: %s: %d replicas for %d, want %d", v.Name, which, o.Replicas, o.Value, want)
			}
		}
		if v.Corrected.Active != slices.ContainsFunc(v.Lags, func(lag int64) bool { return lag > 0 }) {
			t.Errorf("%s: corrected must be active exactly where a partition has lag", v.Name)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no name first": "lags: 1",
		"unknown key":   "name: a\nlag: 1",
		"bad lag":       "name: a\nlags: 1 x",
		"bad threshold": "name: a\nlagThreshold: ten",
		"bad outcome":   "name: a\nkeda: value=x",
	} {
		if _, err := parse(text); err == nil {
			t.Errorf("%s: %q was accepted", name, text)
		}
	}
}
