package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// several wraps more than one error, and is one error all the same.
type several []error

func (several) Error() string     { return "two topics cannot be read" }
func (s several) Unwrap() []error { return s }

// TestPrintError: each error is a line of its own, whatever a broker or a manifest wrote into it.
func TestPrintError(t *testing.T) {
	const hostile = "a\x1b[2J\r\nb\u202e"
	joined := errors.Join(errors.New(hostile), errors.Join(fmt.Errorf("x: %w", errors.New("y"))), several{errors.New("a"), errors.New("b")})
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"nothing":       {nil, ""},
		"hostile":       {errors.New(hostile), "Error: a\\x1b[2J\\r\\nb\\u202e\n"},
		"joined":        {joined, "Error: a\\x1b[2J\\r\\nb\\u202e\nError: x: y\nError: two topics cannot be read\n"},
		"configuration": {&fault.Error{Op: "read", Object: "f\t", Err: config.Problems{hostile, "b"}}, "Error: read f\\t:\n  a\\x1b[2J\\r\\nb\\u202e\n  b\n"},
	} {
		var out strings.Builder
		PrintError(&out, tc.err)
		if diff := cmp.Diff(tc.want, out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
