package kafka

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestLeadersOfPartitions(t *testing.T) {
	for name, ids := range map[string][]int32{
		"as brokers send them": {0, 1, 2},
		"in another order":     {2, 0, 1},
		"some missing":         {7, 0, 5, 1 << 30},
		"none":                 {},
		"nonsense":             {-1, 3, 3},
	} {
		topic := kmsg.NewMetadataResponseTopic()
		named := map[int32]bool{}
		for _, id := range ids {
			p := kmsg.NewMetadataResponseTopicPartition()
			p.Partition, p.Leader = id, 100+id
			topic.Partitions = append(topic.Partitions, p)
			named[id] = true
		}
		route := newTopicRoute(&topic, nil, time.Now())
		for _, id := range []int32{-2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1 << 30, 1<<31 - 1} {
			l, ok := route.leader(id)
			if ok != named[id] || ok && l.node != 100+id {
				t.Errorf("%s: partition %d is led by %d, %v", name, id, l.node, ok)
			}
		}
	}
}
