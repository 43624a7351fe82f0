package fault

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns text that a terminal, a log and a Kubernetes event show as it
// is. Whatever a broker or a trigger wrote may be in an error, so everything that
// would move the cursor, break the line, hide text or turn its direction (control
// characters, line separators, bidirectional and other formatting characters) is
// written as Go escapes it, such as \x1b or \u202e. What is not UTF-8 becomes U+FFFD.
// Printable text is returned unchanged, and without an allocation.
func Printable(text string) string {
	at := strings.IndexFunc(text, notPrintable)
	if at < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	for _, r := range text {
		if notPrintable(r) {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		// Ranging over a string turns each byte that is not UTF-8 into U+FFFD.
		b.WriteRune(r)
	}
	return b.String()
}

func notPrintable(r rune) bool { return !unicode.IsPrint(r) }
