package trigger

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// TestIntegersAreJSONIntegers compares with what KEDA calls for the same text.
func TestIntegersAreJSONIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`[-+]?[0-9]{1,3}`),
			rapid.StringMatching(`-?92233720368547758[0-9]{2}`),
			rapid.StringMatching(`[-+0-9.eE_xb]{1,6}`),
		).Draw(t, "text")
		var want int64
		err := json.Unmarshal([]byte(text), &want)
		got, ok := parseJSONInt(text)
		if ok != (err == nil) || (ok && got != want) {
			t.Errorf("%q: got %d, %t, JSON says %d, %v", text, got, ok, want, err)
		}
	})
}
