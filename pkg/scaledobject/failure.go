package scaledobject

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// tellAgainAfter is how long a failure whose text alone changes, such as by the age in it, is not told again.
const tellAgainAfter = time.Minute

// failure is a failure of a trigger as it was told.
type failure struct {
	kind fault.Kind
	text string
	at   time.Time
}

// Fails notes a failure, and reports whether it is worth telling: KEDA repeats a failing call several times a
// minute, and what was told last may still say it.
func (e *Entry) Fails(kind fault.Kind, text string, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if last := e.failing; last != nil && last.kind == kind && (last.text == text || now.Sub(last.at) < tellAgainAfter) {
		return false
	}
	e.failing = &failure{kind, text, now}
	return true
}

// Succeeds notes an answer, and reports whether it is the first one after failures.
func (e *Entry) Succeeds() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	failed := e.failing != nil
	e.failing = nil
	return failed
}
