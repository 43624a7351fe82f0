package terminal

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	goyaml "go.yaml.in/yaml/v2"
)

const hostile = "a\x1b[2J\r\n\tb\u202ec\u009b\U000e0001"

type name string

func TestPrinter(t *testing.T) {
	var out strings.Builder
	p := New(&out)
	p.Linef("topic %s, %d of %v: %v", hostile, 3, name("x\ny"), errors.New("no\x1b[0m"))
	p.Table(func(t *Table) {
		t.Row("TOPIC", "LAG")
		t.Row("a\tb\nc", 5)
		t.Row("orders", int64(29))
	})
	want := `topic a\x1b[2J\r\n\tb\u202ec\u009b\U000e0001, 3 of x\ny: no\x1b[0m
TOPIC    LAG
a\tb\nc  5
orders   29
`
	if diff := cmp.Diff(want, out.String()); diff != "" || p.Err() != nil {
		t.Errorf("%v, (-want +got):\n%s", p.Err(), diff)
	}
}

type full struct{ calls int }

func (f *full) Write([]byte) (int, error) { f.calls++; return 0, errors.New("no space left") }

func TestPrinterStopsAtTheFirstError(t *testing.T) {
	w := &full{}
	p := New(w)
	p.Linef("a")
	p.Linef("b")
	p.Table(func(t *Table) { t.Row("c") })
	if p.Err() == nil || w.calls != 1 {
		t.Errorf("%d writes, error %v", w.calls, p.Err())
	}
}

// TestData: what data hold comes back exactly, and does nothing to a terminal.
func TestData(t *testing.T) {
	for _, in := range []string{"orders", hostile, "ü 日本", "\u2028"} {
		for format, write := range map[string]func(*strings.Builder, any) error{
			"JSON": func(b *strings.Builder, v any) error { return JSON(b, v) },
			"YAML": func(b *strings.Builder, v any) error { return YAML(b, v) },
		} {
			var out strings.Builder
			if err := write(&out, map[string]string{"name": in}); err != nil {
				t.Fatal(err)
			}
			got, read := map[string]string{}, json.Unmarshal
			if format == "YAML" {
				read = goyaml.Unmarshal
			}
			if err := read([]byte(out.String()), &got); err != nil || got["name"] != in {
				t.Errorf("%s of %q is %q, read as %q, %v", format, in, out.String(), got["name"], err)
			}
			for _, r := range out.String() {
				if r != '\n' && !unicode.IsPrint(r) {
					t.Errorf("%s of %q has %q", format, in, r)
				}
			}
		}
	}
}
