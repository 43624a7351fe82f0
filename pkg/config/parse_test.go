package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"sigs.k8s.io/yaml"
)

// TestParse runs the files in testdata: a configuration, and what comes of it,
// either every problem or the keys of the result that differ from the defaults.
func TestParse(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			c, err := Parse([]byte(d.Input))
			if problems := Problems(nil); errors.As(err, &problems) {
				return strings.Join(problems, "\n")
			} else if err != nil {
				t.Fatalf("got %T, want Problems: %v", err, err)
			}
			return changes(t, c)
		})
	})
}

// changes lists what differs from the defaults, one key a line.
func changes(t *testing.T, c Config) string {
	base := Default()
	for range c.Clusters {
		base.Clusters = append(base.Clusters, DefaultCluster())
	}
	before, after := flatten(t, base), flatten(t, c)
	var lines []string
	for _, key := range sortedKeys(after) {
		if before[key] != after[key] {
			lines = append(lines, key+" = "+after[key])
		}
	}
	if len(lines) == 0 {
		return "ok, all defaults"
	}
	return "ok\n" + strings.Join(lines, "\n")
}

func flatten(t *testing.T, c Config) map[string]string {
	data, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	flat := map[string]string{}
	var walk func(path string, node any)
	walk = func(path string, node any) {
		switch n := node.(type) {
		case map[string]any:
			for k, v := range n {
				walk(join(path, k), v)
			}
		case []any:
			for i, v := range n {
				walk(fmt.Sprintf("%s[%d]", path, i), v)
			}
		case nil:
		default:
			flat[path] = fmt.Sprint(n)
		}
	}
	walk("", tree)
	return flat
}

// FuzzParse: whatever the bytes, Parse returns; what it accepts is valid; and a
// value never shows under a key that is not known.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "grpc: {listenAddress: ':1'}", "clusters: [{name: a, bootstrapServers: [b:1]}]", "a: b", "- x", "clusters: {", "---\na: 1\n---\nb: 2",
		"refresh: {interval: 1}", "clusters: [null]", "? {a: b}\n: c",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		if err := c.Validate(); err != nil {
			t.Errorf("accepted, but: %v", err)
		}
	})
}
