// Package rooms_test holds the packages to their order: what stands below knows
// nothing of what stands above it.
package rooms_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kafka-scaler/kafka-scaler/"

// goPackage is what go list says of a package of ours.
type goPackage struct {
	ImportPath string
	Imports    []string
}

// packages are all of ours in this module.
func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// floors is order.txt: the line of each room.
type floors map[string]int

func readFloors(t *testing.T) floors {
	t.Helper()
	file, err := os.Open("order.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	found := floors{}
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		for room := range strings.FieldsSeq(lines.Text()) {
			if found[room] != 0 {
				t.Fatalf("%s stands twice", room)
			}
			found[room] = number
		}
	}
	if lines.Err() != nil || len(found) < 20 {
		t.Fatalf("%d rooms, %v", len(found), lines.Err())
	}
	return found
}

// room is the innermost room that a package lies in; empty for none.
func (f floors) room(path string) string {
	for ; path != ""; path = path[:max(0, strings.LastIndexByte(path, '/'))] {
		if f[path] != 0 {
			return path
		}
	}
	return ""
}

// check returns what is wrong with an import of one package of ours by another; empty for nothing.
func (f floors) check(from, to string) string {
	a, b := f.room(from), f.room(to)
	switch {
	case a == b && a != "":
		return ""
	case a == "" || b == "":
		return "" // tools and test helpers, which the scaler's binary has none of
	case f[b] >= f[a]:
		return fmt.Sprintf("%s imports %s, which stands above it or next to it in order.txt", from, to)
	default:
		return ""
	}
}

// TestNoPackageImportsWhatStandsAbove is about what is there.
func TestNoPackageImportsWhatStandsAbove(t *testing.T) {
	order := readFloors(t)
	seen := 0
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(from, "pkg/") && order.room(from) == "" {
			t.Errorf("%s has no line in order.txt", from)
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			seen++
			if problem := order.check(from, to); problem != "" {
				t.Error(problem)
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d imports of ours seen", seen)
	}
}

// TestOrderIsBroken: the check sees imports that go up, and sideways, in sub-packages too.
func TestOrderIsBroken(t *testing.T) {
	order := readFloors(t)
	broken := [][2]string{
		{"pkg/fault", "pkg/lag"},
		{"pkg/lag/any", "pkg/policy"},
		{"pkg/policy/latency", "pkg/trigger"},
		{"pkg/history/arrivals", "pkg/clusters"},
		{"pkg/collector", "pkg/kafka"},
		{"pkg/kafka/transport", "pkg/kafka"},
		{"pkg/kafka/wire", "pkg/kafka/transport"},
		{"pkg/collector/store", "pkg/collector/sweep"},
		{"pkg/collector/store/any", "pkg/collector"},
		{"pkg/clusters", "pkg/scaler"},
		{"cmd/scaler/internal/cli", "cmd/scaler/internal/target"},
		{"cmd/scaler/check", "cmd/scaler/explain"},
		{"internal/terminal", "pkg/trigger"},
	}
	for _, b := range broken {
		if order.check(b[0], b[1]) == "" {
			t.Errorf("%s may import %s", b[0], b[1])
		}
		if problem := order.check(b[1], b[0]); problem != "" && !slices.Contains([]string{"pkg/collector", "cmd/scaler/check"}, b[0]) {
			t.Errorf("the other way round: %s", problem)
		}
	}
}
