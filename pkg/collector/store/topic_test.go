package store

import (
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func TestPartitionsWithGapsAreRefused(t *testing.T) {
	for name, ids := range map[string][]int32{"one far out": {0, 1, 1 << 20}, "none at the start": {1, 2}, "negative": {-1, 0}, "twice": {0, 0}} {
		topic := Topic{name: "orders"}
		if topic.describe(lag.Topic{Name: "orders", Partitions: ids}, 1, 1) || topic.err == nil || len(topic.ids) > 0 {
			t.Errorf("%s: %v is taken: %v", name, topic.ids, topic.err)
		}
	}
}
