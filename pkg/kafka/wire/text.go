package wire

import (
	"unicode/utf8"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// maxText is how much is quoted of what a broker says in its own words, in bytes.
const maxText = 300

// Text makes a text of a broker fit to stand in an error: on one line, without
// what would steer a terminal or turn the text around, and no longer than an event
// has room for. Names are quoted with %q where they are used and need no more.
func Text(s string) string {
	if len(s) > maxText {
		end := maxText
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "..."
	}
	return fault.Printable(s)
}
