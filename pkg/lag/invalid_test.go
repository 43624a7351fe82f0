package lag_test

import (
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/lagcase"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func TestNote(t *testing.T) {
	const seen = "in 2 of 3 partitions (orders-0, orders-1) the committed offset lies beyond the log end, or was committed in an earlier log of that name; " +
		"the log was truncated, restored from a backup or created again; until a consumer starts, is reset and commits, "
	for _, test := range []struct {
		name, offsets, want string
		rules               lag.Rules
	}{
		{"as usual", "orders 0 committed=10 start=0 end=39", "", lag.Rules{}},
		{"nothing is known", "orders 0 committed=60 start=0 end=39 age=1h", "", lag.Rules{}},
		{
			"no commit", "orders 0-2 committed=- start=0 end=39",
			lag.UncommittedGroup + "; " + lag.Rules{}.WithoutCommit(),
			lag.Rules{},
		},
		{
			"beyond the end", "orders 0 committed=60 start=0 end=39\norders 1 committed=10 end=39 start=0 earlier-log\norders 2 committed=39 start=0 end=39",
			seen + "each of them counts at least 1, so that at least one replica starts (offsetResetPolicy latest)",
			lag.Rules{ZeroOnInvalidOffset: true},
		},
		{
			"earliest", "orders 0 committed=60 start=0 end=39\norders 1 committed=40 end=39 start=0\norders 2 committed=39 start=0 end=39",
			seen + "all retained records count (offsetResetPolicy earliest)",
			lag.Rules{ResetPolicy: lag.Earliest},
		},
		{"an open transaction", "orders 0 committed=35 start=0 end=30 hw=39", "", lag.Rules{ReadCommitted: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			offsets, err := lagcase.Parse(test.offsets, now)
			if err != nil {
				t.Fatal(err)
			}
			test.rules.MaxAge = time.Minute
			r := lag.Compute(test.rules, offsets, now)
			if got := test.rules.Note(&r); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
	// KEDA's own arithmetic has no such rule.
	offsets, err := lagcase.Parse("orders 0 committed=60 start=0 end=39", now)
	if err != nil {
		t.Fatal(err)
	}
	rules := lag.Rules{MaxAge: time.Minute}
	r, _ := lag.ComputeKEDA(rules, offsets, nil, now)
	if got := rules.Note(&r); got != "" {
		t.Errorf("in KEDA compatibility %q", got)
	}
}
