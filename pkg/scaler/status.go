package scaler

import (
	"context"
	"errors"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// maxMessage bounds an error's text, in bytes. It travels in an HTTP/2 trailer
// and ends in a Kubernetes event, which is cut at 1 KiB.
const maxMessage = 4 << 10

// codeOf maps an error to the gRPC code that callers see. A [fault.Error] comes
// first, because one that was caused by a deadline is about Kafka and not about
// the caller.
func codeOf(err error) codes.Code {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		return codeOfKind(f.Kind)
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	default:
		return codes.Internal
	}
}

func codeOfKind(k fault.Kind) codes.Code {
	switch k {
	case fault.Invalid:
		return codes.InvalidArgument
	case fault.NotFound:
		return codes.NotFound
	case fault.Denied:
		return codes.PermissionDenied
	case fault.Unavailable:
		return codes.Unavailable
	case fault.Precondition:
		return codes.FailedPrecondition
	case fault.Exhausted:
		return codes.ResourceExhausted
	default:
		return codes.Internal
	}
}

// statusOf returns what a caller gets for err. KEDA shows the text verbatim.
func statusOf(err error) error {
	return status.Error(codeOf(err), messageOf(err))
}

// messageOf returns the error's text within maxMessage bytes. It may quote what a
// broker wrote, and ends in logs, events and terminals: so it is printable, and valid
// UTF-8 as protobuf demands.
func messageOf(err error) string {
	text := fault.Printable(err.Error())
	if len(text) <= maxMessage {
		return text
	}
	cut := maxMessage
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + " ..."
}
