package metrics

import (
	"errors"
	"testing"
	"time"

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

	now := time.Now()
	orders, audit := m.Observe("shop", "orders", "kafka-orders"), m.Observe("shop", "audit", "kafka-audit")
	expect()
	orders.Decided(policy.Decision{Value: 120, Target: 10, Active: true, Limit: policy.RulePartitionCap}, now)
	audit.Decided(policy.Decision{Value: 0, Target: 5}, now)
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
	failed := policy.Decision{Value: 120, Target: 10, Err: &fault.Error{Kind: fault.Unavailable, Op: "read", Err: errors.New("no answer")}}
	orders.Decided(failed, now)
	audit.Close()
	expect(
		"decision_failed{kind=unavailable,metric=kafka-orders,namespace=shop,scaledObject=orders} 1",
		"decision_target{metric=kafka-orders,namespace=shop,scaledObject=orders} 10",
	)

	// What is known can be enough to be active.
	failed.Active = true
	orders.Decided(failed, now)
	expect(
		"decision_active{metric=kafka-orders,namespace=shop,scaledObject=orders} 1",
		"decision_failed{kind=unavailable,metric=kafka-orders,namespace=shop,scaledObject=orders} 1",
		"decision_target{metric=kafka-orders,namespace=shop,scaledObject=orders} 10",
	)

	orders.Close()
	expect()

	// Metadata that is no trigger has no metric and no target.
	invalid := m.Observe("shop", "orders", "")
	invalid.Decided(policy.Decision{Err: &fault.Error{Kind: fault.Invalid}}, now)
	expect("decision_failed{kind=invalid,metric=,namespace=shop,scaledObject=orders} 1")
	invalid.Close()
	expect()

	// A name that is not UTF-8 must not fail the whole scrape.
	m.Observe("shop", "or\xffders", "kafka-orders").Decided(policy.Decision{Value: 1, Target: 1}, now)
	if _, err := m.Registry.Gather(); err != nil {
		t.Errorf("a name that is not UTF-8: %v", err)
	}
}

// TestDecisionsOfAnEditedTrigger: the trigger that was edited and the one that replaced it have the same
// names. The newest decision of either counts, and neither takes the other's series with it.
func TestDecisionsOfAnEditedTrigger(t *testing.T) {
	m := New(Build{})
	value := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, series(t, m, "decision_value")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	now := time.Now()
	before, after := m.Observe("shop", "orders", "kafka-orders"), m.Observe("shop", "orders", "kafka-orders")
	before.Decided(policy.Decision{Value: 1, Target: 1}, now)
	value("decision_value{metric=kafka-orders,namespace=shop,scaledObject=orders} 1")
	after.Decided(policy.Decision{Value: 2, Target: 1}, now)
	value("decision_value{metric=kafka-orders,namespace=shop,scaledObject=orders} 2")
	before.Close()
	value("decision_value{metric=kafka-orders,namespace=shop,scaledObject=orders} 2")
	after.Close()
	value()
}
