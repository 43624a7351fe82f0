package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

func ExampleError() {
	fmt.Println(&fault.Error{
		Kind: fault.NotFound, Op: "describe", Object: `topic "ordres"`,
		Err: errors.New("it does not exist"), Remedy: "check the name",
	})
	// Output: describe topic "ordres": it does not exist; check the name
}

func TestErrorLeavesOutWhatIsEmpty(t *testing.T) {
	for want, e := range map[string]*fault.Error{
		"read":              {Op: "read"},
		"read orders":       {Op: "read", Object: "orders"},
		"orders: broken":    {Object: "orders", Err: errors.New("broken")},
		"read; try again":   {Op: "read", Remedy: "try again"},
		"broken; try again": {Err: errors.New("broken"), Remedy: "try again"},
		"read orders: a: b": {Op: "read", Object: "orders", Err: fmt.Errorf("a: %w", errors.New("b"))},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestKindOf(t *testing.T) {
	denied := &fault.Error{Kind: fault.Denied}
	for name, tc := range map[string]struct {
		err  error
		want fault.Kind
		text string
	}{
		"itself":     {denied, fault.Denied, "denied"},
		"wrapped":    {fmt.Errorf("ask: %w", denied), fault.Denied, "denied"},
		"the outer":  {&fault.Error{Kind: fault.Unavailable, Err: denied}, fault.Unavailable, "unavailable"},
		"joined":     {errors.Join(errors.New("x"), denied), fault.Denied, "denied"},
		"not typed":  {errors.New("x"), fault.Internal, "internal"},
		"no failure": {nil, fault.Internal, "internal"},
	} {
		if got := fault.KindOf(tc.err); got != tc.want || got.String() != tc.text {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

func TestDistance(t *testing.T) {
	const far = 100
	for _, tc := range []struct {
		a, b        string
		limit, want int
	}{
		{"topic", "topic", far, 0},
		{"topc", "topic", far, 1},
		{"tpoic", "topic", far, 2},
		{"", "topic", far, 5},
		{"topic", "", far, 5},
		{"kitten", "sitting", far, 3},
		{"aaaaaaaaaa", "a", 3, 3},
	} {
		if got := fault.Distance(tc.a, tc.b, tc.limit); got != tc.want {
			t.Errorf("Distance(%q, %q, %d) = %d, want %d", tc.a, tc.b, tc.limit, got, tc.want)
		}
	}
}
