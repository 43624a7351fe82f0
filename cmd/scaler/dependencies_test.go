package main_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What tests and the demo are made of must not reach the scaler's binary. The
// linter sees direct imports only; this sees all.
func TestBinaryIsFreeOfFakes(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list -deps: %v", err)
	}
	deps := strings.Fields(string(out))
	seen := false
	for _, dep := range deps {
		seen = seen || strings.HasPrefix(dep, "github.com/segmentio/kafka-go/")
		for _, prefix := range []string{
			"github.com/twmb/franz-go/pkg/kfake",
			"github.com/twmb/franz-go/pkg/kgo",
			"github.com/twmb/franz-go/pkg/kadm",
			"github.com/kafka-scaler/kafka-scaler/internal/fakekafka",
			"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker",
			"k8s.io/",
		} {
			if strings.HasPrefix(dep, prefix) {
				t.Errorf("cmd/scaler depends on %s", dep)
			}
		}
		// A package that imports testing registers its flags in every binary.
		if dep == "testing" {
			t.Error("cmd/scaler depends on testing")
		}
	}
	if !seen {
		t.Error("cmd/scaler does not depend on kafka-go: this test looks at the wrong thing")
	}
}
