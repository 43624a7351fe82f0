package lag_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestPageNamesEverything: docs/lag.md has a line for every reason, rule and kind of group.
func TestPageNamesEverything(t *testing.T) {
	page, err := os.ReadFile("../../docs/lag.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []struct {
		file, names string
		atLeast     int // so that another way to write them cannot make this test blind
	}{
		{"rules.go", `Reason = "(\w+)"`, 13},
		{"../policy/decision.go", `Rule = "(\w+)"`, 10},
		{"group.go", `return "(\w+)"`, 6},
	} {
		code, err := os.ReadFile(source.file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(source.names).FindAllStringSubmatch(string(code), -1)
		if len(found) < source.atLeast {
			t.Errorf("%s: found %d names, expected at least %d", source.file, len(found), source.atLeast)
		}
		for _, name := range found {
			if !strings.Contains(string(page), "`"+name[1]+"`") {
				t.Errorf("docs/lag.md does not name %s of %s", name[1], source.file)
			}
		}
	}
}
