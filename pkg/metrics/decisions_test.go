package metrics

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

func TestDecisions(t *testing.T) {
	m := New(Build{Version: "v1"})
	expect := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, series(t, m, "decision_")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	expect()

	m.Decided("shop", "orders", "kafka-orders", policy.Decision{Value: 120, Target: 10, Active: true, Limit: policy.RulePartitionCap})
	m.Decided("shop", "audit", "kafka-audit", policy.Decision{Value: 0, Target: 5})
	expect(
		"decision_active{metric=kafka-audit,namespace=shop,scaledObject=audit} 0",
		"decision_active{metric=kafka-orders,namespace=shop,scaledObject=orders} 1",
		"decision_limited{metric=kafka-orders,namespace=shop,rule=partition_cap,scaledObject=orders} 1",
		"decision_target{metric=kafka-audit,namespace=shop,scaledObject=audit} 5",
		"decision_target{metric=kafka-orders,namespace=shop,scaledObject=orders} 10",
		"decision_value{metric=kafka-audit,namespace=shop,scaledObject=audit} 0",
		"decision_value{metric=kafka-orders,namespace=shop,scaledObject=orders} 120",
	)

	// What is not known is not shown as a number, not even as the last one.
	m.Decided("shop", "orders", "kafka-orders", policy.Decision{
		Value: 120, Active: true, Target: 10, Err: &fault.Error{Kind: fault.Unavailable, Op: "read", Err: errors.New("no answer")},
	})
	m.Forgotten("shop", "audit", "kafka-audit")
	expect(
		"decision_failed{kind=unavailable,metric=kafka-orders,namespace=shop,scaledObject=orders} 1",
		"decision_target{metric=kafka-orders,namespace=shop,scaledObject=orders} 10",
	)

	m.Forgotten("shop", "orders", "kafka-orders")
	expect()

	// A name that is not UTF-8 must not fail the whole scrape.
	m.Decided("shop", "or\xffders", "kafka-orders", policy.Decision{Value: 1, Target: 1})
	if _, err := m.Registry.Gather(); err != nil {
		t.Errorf("a name that is not UTF-8: %v", err)
	}
}
