package target

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/wiring"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func TestTarget(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := file("one.yaml", "clusters: [{name: orders, bootstrapServers: [a:1]}]")
	two := file("two.yaml", "clusters: [{name: orders, bootstrapServers: [a:1]}, {name: audit, bootstrapServers: [b:1]}]")
	for name, tc := range map[string]struct {
		args []string
		want trigger.Connection
		err  string
	}{
		"addresses":          {args: []string{"--bootstrap-servers", "a:1,b:2"}, want: trigger.Connection{BootstrapServers: []string{"a:1", "b:2"}, SASL: "none"}},
		"addresses with TLS": {args: []string{"--bootstrap-servers", "a:1", "--tls"}, want: trigger.Connection{BootstrapServers: []string{"a:1"}, TLS: true, SASL: "none"}},
		"beside a file":      {args: []string{"--bootstrap-servers", "c:1", "--config", one}, want: trigger.Connection{BootstrapServers: []string{"c:1"}, SASL: "none"}},
		"the only one":       {args: []string{"--config", one}, want: trigger.Connection{Cluster: "orders", SASL: "none"}},
		"by name":            {args: []string{"--config", two, "--cluster", "audit"}, want: trigger.Connection{Cluster: "audit", SASL: "none"}},
		"which":              {args: []string{"--config", two}, err: "orders, audit"},
		"none":               {err: "no cluster to read"},
		"both":               {args: []string{"--cluster", "a", "--bootstrap-servers", "a:1"}, err: "two clusters"},
		"TLS by name":        {args: []string{"--config", one, "--tls"}, err: "--tls belongs to"},
	} {
		t.Run(name, func(t *testing.T) {
			var target Cluster
			flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
			target.Add(flags)
			if err := flags.Parse(tc.args); err != nil {
				t.Fatal(err)
			}
			c, err := target.Load()
			var got trigger.Connection
			if err == nil {
				got, err = target.Connection(c)
			}
			if tc.err != "" {
				if usage := (*cli.UsageError)(nil); !errors.As(err, &usage) || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v, want a usage error with %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			set, err := wiring.OpenClusters(c, cli.Process{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := set.Resolve("", got); err != nil {
				t.Errorf("the clusters do not have it: %v", err)
			}
		})
	}
}
