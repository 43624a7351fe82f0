package trigger

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Problem is one thing that is wrong with a trigger's metadata.
type Problem struct {
	// Field is the metadata key as the user wrote it, FromEnv included.
	Field string
	// Value is what the user gave. It is empty where nothing was given, and where it may be a secret: for
	// credentials, and for every key whose meaning is not known.
	Value string
	// Message says what is wrong.
	Message string
	// Remedy says what to do, in the imperative.
	Remedy string
}

// Longest field and value that a message repeats, in runes: an event on a ScaledObject has room for 1024 bytes in all.
const (
	maxFieldShown = 64
	maxValueShown = 100
)

// String renders the problem on one line: field "value": message (remedy).
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(showField(p.Field))
	if p.Value != "" {
		b.WriteByte(' ')
		b.WriteString(strconv.Quote(shorten(p.Value, maxValueShown)))
	}
	fmt.Fprintf(&b, ": %s", p.Message)
	if p.Remedy != "" {
		fmt.Fprintf(&b, " (%s)", p.Remedy)
	}
	return b.String()
}

// Error is everything that is wrong with a trigger's metadata.
type Error struct {
	// Problems is never empty. They are in the order of [Parameters]; unknown keys follow, by name.
	Problems []Problem
}

// Error renders all problems, joined by "; ".
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "; ")
}

// asFault wraps problems the way [Parse] returns them; each problem carries its own remedy.
func asFault(problems []Problem) error {
	return &fault.Error{Kind: fault.Invalid, Op: "parse trigger metadata", Err: &Error{Problems: problems}}
}

// showField quotes a key only where it would break the line or mislead the eye.
func showField(key string) string {
	short := shorten(key, maxFieldShown)
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if short == "" || strings.ContainsFunc(short, odd) {
		return strconv.Quote(short)
	}
	return short
}

func shorten(s string, limit int) string {
	count := 0
	for i := range s {
		if count == limit {
			return s[:i] + "..."
		}
		count++
	}
	return s
}
