package explain

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestUnanswered(t *testing.T) {
	s := scalerFlags{address: "a:1"}
	if err := s.unanswered(nil); err != nil {
		t.Errorf("of no error: %v", err)
	}
	theirs := status.Error(codes.NotFound, "KEDA has not asked")
	if err := s.unanswered(theirs); !errors.Is(err, theirs) {
		t.Errorf("of the scaler's own error: %v", err)
	}
	late := s.unanswered(status.Error(codes.DeadlineExceeded, "context deadline exceeded"))
	if !strings.HasPrefix(late.Error(), "ask the scaler at a:1: no answer within 15s; check that") {
		t.Errorf("of a late answer: %v", late)
	}
}
