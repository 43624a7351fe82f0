package fault_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		`topic "orders": größe, 注文, 🚀`:  `topic "orders": größe, 注文, 🚀`,
		`a backslash \ stays`:           `a backslash \ stays`,
		"\x1b[2J\x1b[31mred":            `\x1b[2J\x1b[31mred`,
		"two\r\nlines\tand a tab":       `two\r\nlines\tand a tab`,
		"zero \x00, delete \x7f":        `zero \x00, delete \x7f`,
		"C1 \u009b31m":                  `C1 \u009b31m`,
		"bidi \u202egnp.exe\u202c":      `bidi \u202egnp.exe\u202c`,
		"isolate \u2066x\u2069":         `isolate \u2066x\u2069`,
		"line \u2028 paragraph \u2029":  `line \u2028 paragraph \u2029`,
		"hidden \u200b\u200d\ufeff":     `hidden \u200b\u200d\ufeff`,
		"not UTF-8 \xff\xfe":            "not UTF-8 \uFFFD\uFFFD",
		"replaced already \uFFFD":       "replaced already \uFFFD",
		"tag \U000E0041":                `tag \U000e0041`,
		"\xff\x1b not UTF-8 and escape": "\uFFFD" + `\x1b not UTF-8 and escape`,
	} {
		if got := fault.Printable(text); got != want {
			t.Errorf("Printable(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestPrintableAllocatesNothingForPrintableText(t *testing.T) {
	text := `read topic "orders" partition 3: größe; see which broker does not answer`
	if n := testing.AllocsPerRun(100, func() { fault.Printable(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("\x1b[2J\xff\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		got := fault.Printable(text)
		if !utf8.ValidString(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q is not printable", got)
		}
		if again := fault.Printable(got); again != got {
			t.Errorf("%q becomes %q", got, again)
		}
	})
}
