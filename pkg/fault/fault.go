// Package fault holds the one error type that crosses package borders.
//
// A KEDA user meets our errors verbatim, in an event on a ScaledObject, with no
// log of ours at hand. So every error that may reach a user names the object it
// is about, says what was tried, and says what to do next. The [Kind] is what
// callers branch on: pkg/scaler maps it to a gRPC code, the CLI to an exit code.
//
// The package is pure: it imports the standard library only.
package fault

import (
	"errors"
	"strings"
)

// Kind says whose move it is after a failure.
type Kind uint8

const (
	// Internal is a defect of ours; the zero value, so that an untyped error is never taken for anything milder.
	Internal Kind = iota
	// Invalid is a request that can never succeed as it stands: bad trigger metadata, a bad flag.
	Invalid
	// NotFound is a cluster, topic or group that does not exist.
	NotFound
	// Denied is a missing ACL or a refused credential.
	Denied
	// Unavailable is a broker or network that does not answer now, or a snapshot that has grown too old.
	Unavailable
	// Precondition is a state that the user must change first, such as a group without any commit and no topic named.
	Precondition
	// Exhausted is a bound of the scaler that is reached: what was asked for is refused, so that the rest goes on.
	Exhausted
)

// String returns the lower-case name of the kind, as metrics label it.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case NotFound:
		return "not_found"
	case Denied:
		return "denied"
	case Unavailable:
		return "unavailable"
	case Precondition:
		return "precondition"
	case Exhausted:
		return "exhausted"
	default:
		return "internal"
	}
}

// Error is a failure that a user can act on. It renders as
//
//	<Op> <Object>: <cause>; <Remedy>
//
// leaving out what is empty.
type Error struct {
	Kind Kind
	// Op is what was tried, a verb phrase: "list end offsets of".
	Op string
	// Object is what it was tried on, in a Kafka operator's words: `topic "orders" partition 3 on broker 2`.
	Object string
	// Err is the cause; never nil unless Op and Object say it all.
	Err error
	// Remedy is one sentence that says what to do next, in the imperative, without a full stop.
	Remedy string
}

// Error renders the failure on one line. It never contains a secret: causes are Kafka, network and validation errors only.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Object != "" {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(e.Object)
	}
	if e.Err != nil {
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(e.Err.Error())
	}
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first [Error] in err's tree, and [Internal] where there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
