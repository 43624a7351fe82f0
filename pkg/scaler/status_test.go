package scaler

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// TestCodes: callers, KEDA's alerts among them, tell mistakes from outages by the code.
func TestCodes(t *testing.T) {
	for kind, want := range map[fault.Kind]codes.Code{
		fault.Invalid: codes.InvalidArgument, fault.NotFound: codes.NotFound, fault.Denied: codes.PermissionDenied,
		fault.Unavailable: codes.Unavailable, fault.Precondition: codes.FailedPrecondition,
		fault.Exhausted: codes.ResourceExhausted, fault.Internal: codes.Internal,
	} {
		// What caused it says nothing to the caller.
		err := fmt.Errorf("consumer group: %w", &fault.Error{Kind: kind, Op: "read", Err: context.DeadlineExceeded})
		if got := codeOf(err); got != want {
			t.Errorf("%v: %v, want %v", kind, got, want)
		}
	}
	for err, want := range map[error]codes.Code{
		context.DeadlineExceeded: codes.DeadlineExceeded, context.Canceled: codes.Canceled, errors.New("any"): codes.Internal,
	} {
		if got := codeOf(err); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}
