package collector

import (
	"slices"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// Whether a commit beyond the last stable offset is past an open transaction or past a
// log that was created again, only the high watermark tells.
func TestHighWatermark(t *testing.T) {
	source := newCluster(1).topic("orders", 1, 39, 39, 39).commit("billing", "orders", 35, 30, 45)
	source.with(func() { source.topics["orders"].stable = []int64{30, 30, 30} })
	c := start(t, source, Options{Interval: time.Hour})
	q := NewQuery(trigger.Selection{ConsumerGroup: "billing", Topics: []string{"orders"}, ReadCommitted: true}, 10*time.Second)
	s := snapshot(t, c, q)
	rules := lag.Rules{ReadCommitted: true, ResetPolicy: lag.Earliest, MaxAge: time.Minute}
	report := lag.Compute(rules, s.Offsets, time.Now())
	var reasons []lag.Reason
	for _, p := range report.Partitions {
		reasons = append(reasons, p.Reason)
	}
	want := []lag.Reason{lag.ReasonCommitPastStable, lag.ReasonCaughtUp, lag.ReasonCommitPastEnd}
	if !slices.Equal(reasons, want) || report.Err != nil {
		t.Errorf("reasons %v, %v; want %v", reasons, report.Err, want)
	}
	if report.Total != 30 {
		t.Errorf("lag %d, want the 30 records that the third partition retains", report.Total)
	}
	if n := source.total(listOffsets); n != 3+2 {
		t.Errorf("%d log ends were asked for, want 3 stable ones and 2 high watermarks", n)
	}
}
