package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"

	"sigs.k8s.io/yaml"
)

// JSON writes v as indented JSON. What a terminal would act on is escaped in a way
// that every JSON reader turns back into exactly what it was.
func JSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, escape(string(text), func(r rune) string {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}))
	return err
}

// YAML writes v as YAML, with the names of its JSON. Where YAML would have to show
// what a terminal acts on, it is YAML in the form of JSON, in which all of it can be
// escaped.
func YAML(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	block, err := yaml.JSONToYAML(text)
	if err != nil || bytes.ContainsFunc(block, acts) {
		_, err = fmt.Fprintln(w, escape(string(text), func(r rune) string { return fmt.Sprintf(`\U%08x`, r) }))
		return err
	}
	_, err = w.Write(block)
	return err
}

// acts reports whether a terminal does anything else with r than to show it. JSON and YAML have line ends of
// their own.
func acts(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }

// escape replaces what a terminal acts on. In JSON it can stand only within a string. wide escapes a character that
// takes more than four digits, which JSON and YAML write differently.
func escape(text string, wide func(rune) string) string {
	if !strings.ContainsFunc(text, acts) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !acts(r):
			b.WriteRune(r)
		case r > 0xffff:
			b.WriteString(wide(r))
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
