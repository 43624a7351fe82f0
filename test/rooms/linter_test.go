package rooms_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// rule is a rule of depguard in .golangci.yml, which looks at direct imports, file by file.
type rule struct {
	ListMode string `json:"list-mode"`
	Files    []string
	Allow    []string
	Deny     []struct{ Pkg string }
}

func rules(t *testing.T) map[string]rule {
	t.Helper()
	text, err := os.ReadFile("../../.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Linters struct {
			Settings struct {
				Depguard struct{ Rules map[string]rule }
			}
		}
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if n := len(c.Linters.Settings.Depguard.Rules); n < 10 {
		t.Fatalf("%d rules", n)
	}
	return c.Linters.Settings.Depguard.Rules
}

// matches reports whether a glob of depguard is about a file: ** is anything, and * anything but a slash.
func matches(glob, file string) bool {
	glob = strings.NewReplacer("$all", "**/*.go", "$test", "**/*_test.go").Replace(glob)
	expression := strings.NewReplacer(`\*\*`, `.*`, `\*`, `[^/]*`).Replace(regexp.QuoteMeta(glob))
	return regexp.MustCompile("^" + expression + "$").MatchString(file)
}

func (r rule) about(file string) bool {
	about := false
	for _, glob := range r.Files {
		if excluded, not := strings.CutPrefix(glob, "!"); not && matches(excluded, file) {
			return false
		} else if !not {
			about = about || matches(glob, file)
		}
	}
	return about
}

// longest is the length of the longest of the prefixes that an import has. One that ends in $ is the import itself.
func longest(prefixes []string, imported string) int {
	most := 0
	for _, prefix := range prefixes {
		exact, is := strings.CutSuffix(prefix, "$")
		if is && imported == exact || !is && strings.HasPrefix(imported, prefix) {
			most = max(most, len(prefix))
		}
	}
	return most
}

func (r rule) refuses(imported string) bool {
	var denied []string
	for _, d := range r.Deny {
		denied = append(denied, d.Pkg)
	}
	allowed := longest(r.Allow, imported)
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		// $gostd is every package of the standard library by its full name.
		allowed = len(imported)
	}
	refused := longest(denied, imported)
	if r.ListMode == "strict" {
		return allowed == 0 || refused >= allowed
	}
	return refused > 0
}

// TestLinterRulesHoldInSubPackages breaks every rule that is about a room, in a room within it.
func TestLinterRulesHoldInSubPackages(t *testing.T) {
	all := rules(t)
	for _, tc := range []struct{ rule, file, imported string }{
		{"pure-fault", "pkg/fault/any/x.go", module + "pkg/lag"},
		{"pure-fault", "pkg/fault/x.go", "os/exec"},
		{"pure-lag", "pkg/lag/any/x.go", module + "pkg/kafka"},
		{"pure-lag", "pkg/lag/any/x.go", "net/http"},
		{"pure-lag", "pkg/lag/any/x.go", "net"},
		{"pure-policy", "pkg/policy/latency/x.go", module + "pkg/trigger"},
		{"pure-policy", "pkg/policy/latency/x.go", "log/slog"},
		{"pure-history", "pkg/history/x.go", "net"},
		{"pure-history", "pkg/history/x.go", module + "pkg/collector"},
		{"history", "pkg/history/arrivals/x.go", module + "pkg/kafka"},
		{"pure-trigger", "pkg/trigger/any/deep/x.go", "go.uber.org/zap"},
		{"pure-store", "pkg/collector/store/any/x.go", "go.uber.org/zap"},
		{"pure-store", "pkg/collector/store/x.go", "net/http"},
		{"collector", "pkg/collector/store/x.go", module + "pkg/kafka"},
		{"collector", "pkg/collector/longpoll/x.go", module + "pkg/kafka/wire"},
		{"collector", "pkg/collector/sweep/x.go", module + "pkg/scaler"},
		{"kafka", "pkg/kafka/transport/x.go", module + "pkg/config"},
		{"kafka", "pkg/kafka/wire/any/x.go", module + "pkg/collector"},
		{"kafka-transport", "pkg/kafka/transport/any/x.go", module + "pkg/kafka"},
		{"kafka-wire", "pkg/kafka/wire/any/x.go", "github.com/segmentio/kafka-go/protocol"},
		{"scaledobject", "pkg/scaledobject/any/x.go", module + "proto/kafkascaler/v1"},
		{"scaledobject", "pkg/scaledobject/any/x.go", "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"},
		{"scaler", "pkg/scaler/any/x.go", module + "pkg/kafka"},
		{"kafka-go", "pkg/collector/store/x.go", "github.com/segmentio/kafka-go"},
		{"grpc", "pkg/scaledobject/any/x.go", "google.golang.org/grpc/codes"},
		{"fake-broker", "cmd/scaler/check/x.go", "github.com/twmb/franz-go/pkg/kfake"},
		{"everywhere", "pkg/kafka/wire/x_test.go", "github.com/stretchr/testify/assert"},
	} {
		r, there := all[tc.rule]
		if file := "/src/" + tc.file; !there || !r.about(file) || !r.refuses(tc.imported) {
			t.Errorf("%s: %s may import %s (the rule is there: %v, about the file: %v)", tc.rule, tc.file, tc.imported, there, r.about(file))
		}
	}
}

// TestLinterRulesAreKept applies the rules to what there is, so that this test reads them as the linter does.
func TestLinterRulesAreKept(t *testing.T) {
	all := rules(t)
	for _, p := range packages(t) {
		file := "/src/" + strings.TrimPrefix(p.ImportPath, module) + "/x.go"
		for name, r := range all {
			if !r.about(file) {
				continue
			}
			for _, imported := range p.Imports {
				if r.refuses(imported) {
					t.Errorf("%s: %s imports %s", name, p.ImportPath, imported)
				}
			}
		}
	}
}
