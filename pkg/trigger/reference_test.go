package trigger

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
)

const referencePage = "../../docs/parameters.md"

var update = flag.Bool("update", false, "write docs/parameters.md again")

// TestReferencePage holds docs/parameters.md to the tables; `make generate` runs it with -update.
func TestReferencePage(t *testing.T) {
	want := renderReference(t)
	if *update {
		if err := os.WriteFile(referencePage, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatalf("%v; run `make generate`", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/parameters.md is out of date, run `make generate` (-want +got):\n%s", diff)
	}
}

func renderReference(t *testing.T) []byte {
	t.Helper()
	used := func(use Use) (of []Parameter) {
		for _, p := range Parameters() {
			if p.Use == use {
				of = append(of, p)
			}
		}
		return of
	}
	type rule struct{ Field, Message, Remedy string }
	var rules []rule
	for _, c := range conflicts() {
		rules = append(rules, rule{c.field, c.message, c.remedy})
	}
	page, err := template.New("parameters.md.tmpl").Funcs(template.FuncMap{
		"value": func(p Parameter) string {
			if p.Type == TypeEnum {
				return code(p.Values...)
			}
			return string(p.Type)
		},
		"default": func(p Parameter) string {
			if p.Default == "" {
				return ""
			}
			return code(p.Default)
		},
		"instead": func(p Parameter) string {
			if strings.HasPrefix(p.Instead, "clusters[]") {
				return code(p.Instead)
			}
			return p.Instead
		},
	}).ParseFiles("testdata/parameters.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	err = page.Execute(&b, map[string]any{
		"Read": used(Read), "Ignored": used(Ignored), "Credentials": used(Credential), "Misplaced": used(Misplaced),
		"Conflicts": rules,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func code(words ...string) string { return "`" + strings.Join(words, "`, `") + "`" }
