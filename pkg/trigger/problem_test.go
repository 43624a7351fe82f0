package trigger_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func TestProblemFields(t *testing.T) {
	metadata := base()
	metadata["lagThreshold"] = " 0 "
	metadata["passwordFromEnv"] = "hunter2"
	_, err := trigger.Parse(metadata)
	got := problems(t, err)
	want := []trigger.Problem{
		{Field: "lagThreshold", Value: "0", Message: "must be at least 1", Remedy: "write a larger number"},
		{
			Field:   "passwordFromEnv",
			Message: "a credential must not stand in trigger metadata, and KEDA does not forward a TriggerAuthentication to an external scaler",
			Remedy:  "put it into clusters[].sasl of the scaler's configuration, then write cluster: NAME",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if text, prefix := err.Error(), `parse trigger metadata: lagThreshold "0": must be at least 1 (write a larger number); passwordFromEnv: `; !strings.HasPrefix(text, prefix) {
		t.Errorf("error is %q, want it to begin with %q", text, prefix)
	}
}

// TestOddKeysStayOnOneLine: a key is the user's text, and an event is one line.
func TestOddKeysStayOnOneLine(t *testing.T) {
	for key, want := range map[string]string{
		"":                       `"": is not`,
		"topic ":                 `"topic ": is not a known parameter (did you mean topic?)`,
		"a\nb":                   `"a\nb": is not`,
		"\xff":                   `"\xff": is not`,
		strings.Repeat("k", 100): strings.Repeat("k", 64) + "...: is not",
		"clé":                    "clé: is not",
	} {
		metadata := base()
		metadata[key] = "x"
		_, err := trigger.Parse(metadata)
		if got := problems(t, err)[0].String(); !strings.HasPrefix(got, want) {
			t.Errorf("key %q: %q, want it to begin with %q", key, got, want)
		}
	}
}

// TestManyProblemsAreCutShort: many mistakes make a message of kilobytes that still says how many there are.
func TestManyProblemsAreCutShort(t *testing.T) {
	metadata := base()
	var topics []string
	for i := range 1000 {
		topics = append(topics, fmt.Sprintf("a/%d", i))
	}
	for i := range 90 {
		metadata[fmt.Sprintf("unknown%05d", i)] = "x"
	}
	metadata["topic"] = strings.Join(topics, ",")
	_, err := trigger.Parse(metadata)
	got := problems(t, err)
	if len(got) != 21+21 {
		t.Fatalf("%d problems, want 20 topics and the rest of them, 20 unknown keys and the rest of them", len(got))
	}
	for i, want := range map[int]string{
		0:  `topic "a/0": is not`,
		20: "topic: and 980 more problems",
		21: "unknown00000: is not a known parameter",
		41: "metadata: has 70 more unknown parameters",
	} {
		if text := got[i].String(); !strings.HasPrefix(text, want) {
			t.Errorf("problem %d is %q, want it to begin with %q", i, text, want)
		}
	}
	if n := len(err.Error()); n > 16_000 {
		t.Errorf("the message has %d bytes", n)
	}
}
