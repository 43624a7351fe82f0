package kafka

import (
	"testing"
	"time"
)

func TestLeadersOfPartitions(t *testing.T) {
	route := &topicRoute{leaders: []leader{{partition: 0, node: 100}, {partition: 1, node: 101}}}
	for id, want := range map[int32]int32{-2: -1, -1: -1, 0: 100, 1: 101, 2: -1, 1 << 30: -1, 1<<31 - 1: -1} {
		if l, ok := route.leader(id); ok != (want >= 0) || ok && l.node != want {
			t.Errorf("partition %d is led by %d, %v", id, l.node, ok)
		}
	}
}

func TestMetadataOfALaggingBrokerIsNotBelieved(t *testing.T) {
	topic := func(id byte, node, epoch int32) *metadataAnswer {
		return &metadataAnswer{topics: []topicAnswer{{name: "t", id: [16]byte{id}, leaders: []leader{{node: node, epoch: epoch}}}}}
	}
	steps := []struct {
		name string
		resp *metadataAnswer
		want int32
	}{
		{"first", topic(1, 1, 5), 1},
		{"the leader moves", topic(1, 2, 6), 2},
		{"a broker that has not heard of it", topic(1, 1, 5), 2},
		{"the topic is made again", topic(2, 3, 0), 3},
		{"brokers too old for ids: the newest answer", topic(0, 4, 9), 4},
		{"and again", topic(0, 5, 0), 5},
	}
	var r routes
	r.init()
	for _, step := range steps {
		r.update(step.resp, time.Now())
		if got := r.topic("t", time.Now()).leaders[0].node; got != step.want {
			t.Errorf("%s: leader %d, want %d", step.name, got, step.want)
		}
	}
}
