package trigger_test

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// TestExamplesOfLagPage parses every trigger that docs/lag.md shows.
func TestExamplesOfLagPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/lag.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```yaml\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("%d examples, expected at least 3", len(blocks))
	}
	for _, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		var spec struct {
			Triggers []struct{ Metadata map[string]string }
		}
		if err := yaml.Unmarshal([]byte(text), &spec); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if len(spec.Triggers) != 1 {
			t.Fatalf("%d triggers in\n%s", len(spec.Triggers), text)
		}
		if _, err := trigger.Parse(spec.Triggers[0].Metadata); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
	}
}
