package kafka

import "testing"

func TestLeadersOfPartitions(t *testing.T) {
	route := &topicRoute{leaders: []leader{{partition: 0, node: 100}, {partition: 1, node: 101}}}
	for id, want := range map[int32]int32{-2: -1, -1: -1, 0: 100, 1: 101, 2: -1, 1 << 30: -1, 1<<31 - 1: -1} {
		if l, ok := route.leader(id); ok != (want >= 0) || ok && l.node != want {
			t.Errorf("partition %d is led by %d, %v", id, l.node, ok)
		}
	}
}
