package manifest

import (
	"bytes"
	"fmt"
	"io"
)

// The bounds of what is read. Ten thousand ScaledObjects, as kubectl prints them, are about 25 MiB. How deep a
// document nests and how often it repeats itself by aliases is bounded by the YAML parser.
const (
	// MaxSize is how large a file may be, in bytes.
	MaxSize = 32 << 20
	// MaxObjects is how many documents and items of Lists a file may have.
	MaxObjects = 20_000
	// MaxListDepth is how deep Lists may nest: one List in a file, and Lists in it twice over.
	MaxListDepth = 3
)

// documents reads a YAML stream and cuts it at its document separators, so that what is wrong in one document
// does not hide the others.
func documents(r io.Reader) ([][]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > MaxSize:
		return nil, tooMuch("larger than %d MiB", MaxSize>>20)
	}
	var docs [][]byte
	var doc []byte
	for line := range bytes.Lines(data) {
		content, separates := afterSeparator(line)
		if !separates {
			doc = append(doc, line...)
			continue
		}
		if docs = append(docs, doc); len(docs) > MaxObjects {
			return nil, tooMany()
		}
		doc = append([]byte(nil), content...)
	}
	return append(docs, doc), nil
}

// afterSeparator returns what stands on a line behind the marker that begins a document.
func afterSeparator(line []byte) (content []byte, separates bool) {
	rest, found := bytes.CutPrefix(line, []byte("---"))
	if !found || len(bytes.TrimSpace(rest)) > 0 && rest[0] != ' ' && rest[0] != '\t' {
		return nil, false
	}
	return rest, true
}

// boundError is about a file that is larger than anything that is meant to be read.
type boundError struct{ text string }

func (e *boundError) Error() string { return e.text }

func tooMuch(format string, args ...any) error { return &boundError{fmt.Sprintf(format, args...)} }

func tooMany() error { return tooMuch("more than %d documents and items of Lists", MaxObjects) }
