package metrics

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

func TestPlannedDecisions(t *testing.T) {
	m := New(Build{Version: "v1"})
	expect := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, series(t, m, "latency_")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	s := m.Observe("shop", "orders", "kafka-orders-replicas")
	s.Decided(policy.Decision{Value: 3000, Target: 1000, Unit: policy.Millireplicas}, time.Now())
	expect()
	d := latency.Decision{Replicas: 3, InTime: 0.5, Limit: latency.RuleStuck, Sizes: []latency.Size{{Replicas: 3, Worst: 12 * time.Second}}}
	s.Planned(d)
	expect(
		"latency_in_time_ratio{metric=kafka-orders-replicas,namespace=shop,scaledObject=orders} 0.5",
		"latency_limited{metric=kafka-orders-replicas,namespace=shop,rule=stuck_consumers,scaledObject=orders} 1",
		"latency_predicted_seconds{metric=kafka-orders-replicas,namespace=shop,scaledObject=orders} 12",
		"latency_wanted_replicas{metric=kafka-orders-replicas,namespace=shop,scaledObject=orders} 3",
	)
	// What is not known is not shown as a number.
	d.Hold, d.Limit = true, latency.RuleUnknown
	s.Planned(d)
	expect("latency_limited{metric=kafka-orders-replicas,namespace=shop,rule=unknown,scaledObject=orders} 1")
	s.Close()
	expect()
}
