package history_test

import (
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/history"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// decide lets a planner watch a group of twelve members for some minutes, each with one partition that gets so many records
// a second and is consumed at once, and returns its decision. Marked logs have a transaction marker behind each commit.
func decide(t *testing.T, perSecond int64, marked bool, minutes int) latency.Decision {
	t.Helper()
	var h history.History
	p := latency.New(latency.Config{TargetLatency: 30 * time.Second, ServiceRate: 100})
	has := make([][]int32, 12)
	for i := range has {
		has[i] = []int32{int32(i)}
	}
	var o latency.Observation
	for seconds := 0; seconds <= 60*minutes; seconds += 5 {
		after := time.Duration(seconds) * time.Second
		var parts []lag.Offsets
		for i := range has {
			came := perSecond * int64(seconds)
			offsets := part(int32(i), came, came)
			if marked {
				offsets.LogEnd++
				offsets.Inspected = &lag.Inspection{Committed: came, LogEnd: came + 1, Empty: true}
			}
			parts = append(parts, offsets)
		}
		var err error
		if o, err = h.Observe(o.Partitions, report(lag.Rules{}, at(after, parts...)...), stable(after, has...)); err != nil {
			t.Fatal(err)
		}
		p.Observe(o)
	}
	return p.Decide(o.At)
}

// A planner that is told of a group by its reports takes the replicas away that it does not need.
func TestPlannerDecidesFromReports(t *testing.T) {
	d := decide(t, 25, false, 15)
	if d.Hold || d.Replicas < 3 || d.Replicas > 6 {
		t.Errorf("300 records a second at 100 a replica want %d replicas, hold %v: %s", d.Replicas, d.Hold, d.Reason())
	}
}

// Transaction markers behind the commits of a group without work are no work that nobody does.
func TestMarkersAreNoStuckConsumers(t *testing.T) {
	d := decide(t, 0, true, 15)
	if d.Hold || d.Limit == latency.RuleStuck || d.Replicas > 2 {
		t.Errorf("a group without work wants %d replicas, hold %v, limit %q: %s", d.Replicas, d.Hold, d.Limit, d.Reason())
	}
}
