package lagcase

import (
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func TestParse(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	got, err := Parse("orders 3-4 committed=10 start=- end=39 age=3s stalled=2m kind=denied err=no ACL, sorry\n\npayments 0\n", now)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 {
		t.Fatalf("got %d partitions, want 3: %v", len(got), got)
	}
	o := got[1]
	if o.String() != "orders-4" || o.Committed != 10 || o.LogStart != lag.Unknown || o.LogEnd != 39 ||
		now.Sub(o.ObservedAt) != 3*time.Second || now.Sub(o.StalledSince) != 2*time.Minute ||
		fault.KindOf(o.Err) != fault.Denied || o.Err.Error() != "no ACL, sorry" {
		t.Errorf("got %+v", o)
	}
	o = got[2]
	if o.String() != "payments-0" || o.Committed != lag.NoCommit || o.LogEnd != lag.Unknown ||
		!o.ObservedAt.Equal(now) || !o.StalledSince.IsZero() || o.Err != nil {
		t.Errorf("got %+v", o)
	}
}

func TestParseWhatIsFoundOut(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	got, err := Parse("orders 0 oldest=90s committed=10 hw=45 done=3 moved=5m aborted=10-39\n"+
		"orders 1 committed=10 unread=9-38 oldest=?@5/12s\n", now)
	if err != nil {
		t.Fatal(err)
	}
	o := got[0]
	if o.HighWatermark != 45 || o.Done != 3 || now.Sub(o.MovedAt) != 5*time.Minute ||
		*o.Inspected != (lag.Inspection{Committed: 10, LogEnd: 39, ReadCommitted: true, Empty: true}) ||
		*o.Oldest != (lag.Oldest{Committed: 10, Timestamp: now.Add(-90 * time.Second), ObservedAt: now}) {
		t.Errorf("got %+v, %+v, %+v", o, o.Inspected, o.Oldest)
	}
	o = got[1]
	if o.Inspected.Committed != 9 || o.Inspected.LogEnd != 38 || o.Inspected.Empty || o.Inspected.Err == nil ||
		o.Oldest.Committed != 5 || now.Sub(o.Oldest.ObservedAt) != 12*time.Second || o.Oldest.Err == nil || !o.Oldest.Timestamp.IsZero() {
		t.Errorf("got %+v, %+v", o.Inspected, o.Oldest)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, line := range []string{
		"orders", "orders x", "orders 1-x", "orders 0 committed=ten", "orders 0 offset=10",
		"orders 0 age=10", "orders 0 kind=odd err=text",
		"orders 0 oldest=x", "orders 0 oldest=1s@x", "orders 0 oldest=1s/x", "orders 0 empty=10", "orders 0 hw=x",
	} {
		if got, err := Parse(line, time.Time{}); err == nil {
			t.Errorf("%q became %v", line, got)
		}
	}
}
