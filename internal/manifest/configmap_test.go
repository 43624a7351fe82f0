package manifest

import (
	"os"
	"strings"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/config"
)

func TestConfiguration(t *testing.T) {
	const (
		service   = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
		configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata:\n  config.yaml: |\n    log: {level: debug}\n"
	)
	named := func(name string) string { return strings.ReplaceAll(configMap, "NAME", name) }
	for name, tc := range map[string]struct{ in, want, err string }{
		"a configuration":    {in: "log: {level: info}\n", want: "log: {level: info}\n"},
		"empty":              {},
		"no YAML":            {in: "log: [", want: "log: ["},
		"among manifests":    {in: service + "---\n" + named("a"), want: "log: {level: debug}\n"},
		"not among them":     {in: service, err: "no ConfigMap among them has the key config.yaml"},
		"twice":              {in: named("a") + "---\n" + named("b"), err: "several ConfigMaps have the key config.yaml: a, b"},
		"two configurations": {in: "log: {}\n---\nlog: {}\n", want: "log: {}\n---\nlog: {}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Configuration([]byte(tc.in))
			switch {
			case tc.err != "":
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v, want an error with %q", err, tc.err)
				}
			case err != nil || string(got) != tc.want:
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

// The manifests that are deployed hold a configuration that the commands accept.
func TestConfigurationOfTheDeployment(t *testing.T) {
	data, err := os.ReadFile("../../deploy/scaler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := Configuration(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Parse(text); err != nil || len(text) == 0 {
		t.Errorf("%d bytes of configuration: %v", len(text), err)
	}
}
