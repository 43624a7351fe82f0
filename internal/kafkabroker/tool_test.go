package kafkabroker

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseGroupTable(t *testing.T) {
	const out = `
Consumer group 'orders' has no active members.

GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID     HOST            CLIENT-ID
orders          orders          0          40              100             60              -               -               -
orders          orders          1          -               7               -               c-1-a           /127.0.0.1      c-1
`
	want := []ToolRow{
		{Group: "orders", Topic: "orders", Partition: 0, CommittedOffset: 40, LogEndOffset: 100, Lag: 60},
		{
			Group: "orders", Topic: "orders", Partition: 1, CommittedOffset: -1, LogEndOffset: 7, Lag: -1,
			ConsumerID: "c-1-a", Host: "/127.0.0.1", ClientID: "c-1",
		},
	}
	got, err := parseGroupTable(out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for name, broken := range map[string]string{
		"no table":       "Error: Consumer group 'x' does not exist.",
		"missing column": "GROUP TOPIC\na b\n",
		"not a number":   strings.Replace(out, "100", "1x0", 1),
	} {
		if rows, err := parseGroupTable(broken); err == nil {
			t.Errorf("%s: got %v and no error", name, rows)
		}
	}
}
