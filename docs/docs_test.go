// Package docs_test checks what the pages say about the repository: a page that
// sends its reader to something that is not there is wrong in the worst moment.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages are the Markdown files for people, by their path from the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"../*.md", "*.md", "*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			found[filepath.Clean(filepath.Join("docs", file))] = read(t, file)
		}
	}
	if len(found) < 8 || found["README.md"] == "" {
		t.Fatalf("found %d pages, README.md of %d bytes among them", len(found), len(found["README.md"]))
	}
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	anchor  = regexp.MustCompile(`<a id="([^"]+)"></a>`)
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	inline  = regexp.MustCompile("`[^`\n]+`")
)

func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	for page, text := range all {
		for _, m := range link.FindAllStringSubmatch(inline.ReplaceAllString(fence.ReplaceAllString(text, ""), ""), -1) {
			target, fragment, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			to := page
			if target != "" {
				to = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(filepath.Join("..", to)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, m[1])
				continue
			}
			if fragment != "" && !anchors(all[to])[fragment] {
				t.Errorf("%s: %s has no heading %q", page, to, fragment)
			}
		}
	}
}

// anchors are the fragments that a page sets itself, and those that GitHub makes of its headings.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range anchor.FindAllStringSubmatch(text, -1) {
		found[m[1]] = true
	}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := strings.ToLower(strings.TrimSpace(m[1]))
		name = regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(name, "")
		found[strings.ReplaceAll(name, " ", "-")] = true
	}
	return found
}

// code is all text between backticks and fences, which is what a reader types or looks up.
func code(text string) string {
	blocks := fence.FindAllString(text, -1)
	rest := fence.ReplaceAllString(text, "")
	return strings.Join(append(blocks, inline.FindAllString(rest, -1)...), "\n")
}

func TestMakeTargetsExist(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9-]+):`).FindAllStringSubmatch(read(t, "../Makefile"), -1) {
		targets[m[1]] = true
	}
	named := regexp.MustCompile("(?m)(?:^|[`$ ] *)make ([a-z][a-z0-9-]*)")
	checkNamed(t, named, func(target string) bool { return targets[target] }, "make: no target")
}

// The page of the commands is generated from them, and checked against them in cmd/scaler.
func TestCommandsAndFlagsExist(t *testing.T) {
	flags := commandFlags(read(t, "cli.md"))
	call := regexp.MustCompile(`(?:^|[\s/$"` + "`" + `])kafka-scaler ((?:[a-z]+)(?: [^|#>` + "`" + `\n]*)?)`)
	flag := regexp.MustCompile(`(?:^|\s)(--?[a-z][a-z-]*)`)
	calls := 0
	for page, text := range pages(t) {
		if page == "docs/cli.md" {
			continue
		}
		for _, m := range call.FindAllStringSubmatch(commandLines(text), -1) {
			words := strings.Fields(m[1])
			known, ok := flags[words[0]]
			if !ok {
				t.Errorf("%s: kafka-scaler has no command %q: %s", page, words[0], m[0])
				continue
			}
			calls++
			for _, f := range flag.FindAllStringSubmatch(m[1], -1) {
				if !known[f[1]] {
					t.Errorf("%s: kafka-scaler %s has no flag %s: %s", page, words[0], f[1], m[0])
				}
			}
		}
	}
	if calls < 20 {
		t.Errorf("only %d calls of kafka-scaler found", calls)
	}
}

// commandLines is the code of a page; of a call of kubectl, what it runs in a pod.
func commandLines(text string) string {
	var lines []string
	for line := range strings.Lines(code(text)) {
		if _, run, ok := strings.Cut(line, " -- "); ok {
			line = run
		} else if strings.Contains(line, "kubectl") {
			continue
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

// commandFlags are the flags of each command, long and short.
func commandFlags(page string) map[string]map[string]bool {
	commands := map[string]map[string]bool{}
	name := ""
	row := regexp.MustCompile("^\\| `((?:-[a-z], )?--[a-z-]+)")
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, "## kafka-scaler "); ok {
			name = strings.TrimSpace(rest)
			commands[name] = map[string]bool{"--help": true}
		}
		if m := row.FindStringSubmatch(line); m != nil && name != "" {
			for f := range strings.SplitSeq(m[1], ", ") {
				commands[name][f] = true
			}
		}
	}
	return commands
}

func TestMetricsExist(t *testing.T) {
	listed := read(t, "metrics.md")
	checkNamed(t, regexp.MustCompile(`\b(kafka_scaler_[a-z_]+)`), func(metric string) bool {
		return strings.Contains(listed, "`"+strings.TrimSuffix(metric, "_bucket")+"`")
	}, "docs/metrics.md has no")
}

func TestPathsExist(t *testing.T) {
	path := regexp.MustCompile("`((?:pkg|cmd|internal|docs|deploy|test|e2e|hack|proto|tools)/[A-Za-z0-9_./-]*)`")
	checkNamed(t, path, func(file string) bool {
		_, err := os.Stat(filepath.Join("..", file))
		return err == nil
	}, "the repository has no")
}

// checkNamed looks at everything that the pages' code names in one way.
func checkNamed(t *testing.T, name *regexp.Regexp, exists func(string) bool, complaint string) {
	t.Helper()
	found := 0
	for page, text := range pages(t) {
		for _, m := range name.FindAllStringSubmatch(code(text), -1) {
			found++
			if !exists(m[1]) {
				t.Errorf("%s: %s %s", page, complaint, m[1])
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d names found: the test looks for the wrong thing", found)
	}
}
