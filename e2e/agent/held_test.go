package agent

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestHeld(t *testing.T) {
	h := &held{}
	first, second := &kgo.Record{Topic: "orders", Partition: 0}, &kgo.Record{Topic: "orders", Partition: 1}
	expect := func(when string, hasFirst, hasSecond bool) {
		t.Helper()
		if h.has(first) != hasFirst || h.has(second) != hasSecond {
			t.Errorf("%s: has %t and %t, want %t and %t", when, h.has(first), h.has(second), hasFirst, hasSecond)
		}
	}
	h.set(map[string][]int32{"orders": {0, 1}}, false)
	expect("assigned", true, true)
	h.set(map[string][]int32{"orders": {0}}, true)
	expect("one revoked", false, true)
	h.set(map[string][]int32{"orders": {0}}, false)
	expect("come back", true, true)
}

// What was done of a partition that has gone must not be committed: its new owner may be further by now.
func TestNoCommitForAPartitionThatHasGone(t *testing.T) {
	client, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1"), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("orders"),
		kgo.AutoCommitMarks())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	h := &held{}
	h.set(map[string][]int32{"orders": {0, 1}}, false)
	h.set(map[string][]int32{"orders": {0}}, true)
	for id := range int32(2) {
		h.done(client, &kgo.Record{Topic: "orders", Partition: id, Offset: 41})
	}
	marked := client.MarkedOffsets()["orders"]
	if _, stale := marked[0]; stale || marked[1].Offset != 42 || len(marked) != 1 {
		t.Errorf("marked to be committed: %v, want offset 42 of partition 1 alone", marked)
	}
}
