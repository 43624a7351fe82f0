//go:build realkafka

package acceptance

import (
	"fmt"
	"maps"
	"testing"
	"time"
)

// TestSelectionsAndMappings: which topics and groups count, and what partitions mean for replicas. Two topics have six
// partitions each, with 30 records in three of them: one group has taken none of the 180, the other all but 60.
func TestSelectionsAndMappings(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	p := serve(t, "")
	for _, topic := range []string{"select-orders", "select-refunds"} {
		must(t, cluster.CreateTopic(ctx, topic, 6, 1, nil))
		taken := map[string]map[int32]int64{"select-new": {}, "select-old": {}}
		for id := range int32(6) {
			taken["select-new"][id], taken["select-old"][id] = 0, 0
			if id < 3 {
				must(t, cluster.Produce(ctx, topic, id, 30))
				taken["select-old"][id] = 20
			}
		}
		for group, offsets := range taken {
			must(t, cluster.Commit(ctx, group, topic, offsets))
		}
	}
	both := map[string]string{"topicRegex": "select-(orders|refunds)", "consumerGroup": "select-new"}
	for name, c := range map[string]struct {
		more     map[string]string
		value    int64
		replicas int64
	}{
		"a list":                   {map[string]string{"topic": "select-orders,select-refunds", "topicRegex": ""}, 180, 12},
		"one topic":                {map[string]string{"topic": "select-orders", "topicRegex": ""}, 90, 6},
		"an expression":            {nil, 180, 12},
		"what the group commits":   {map[string]string{"topicRegex": ""}, 180, 12},
		"two groups, summed":       {map[string]string{"consumerGroup": "select-new,select-old"}, 240, 24},
		"two groups, the larger":   {map[string]string{"consumerGroup": "select-new,select-old", "consumerGroupMode": "max"}, 180, 12},
		"threads":                  {map[string]string{"partitionsPerReplica": "5"}, 180, 3},
		"threads, exactly":         {map[string]string{"partitionsPerReplica": "4"}, 180, 3},
		"copartitioned":            {map[string]string{"partitionAssignment": "copartitioned"}, 180, 6},
		"copartitioned, with lag":  {map[string]string{"partitionAssignment": "copartitioned", "limitToPartitionsWithLag": "true"}, 180, 3},
		"5 would do, 6 are even":   {map[string]string{"evenDistribution": "exact", "lagThreshold": "36"}, 216, 12},
		"5 would do, 6 are better": {map[string]string{"evenDistribution": "near", "lagThreshold": "36"}, 216, 12},
	} {
		metadata := metadataOn("", "", map[string]string{"lagThreshold": "100", "offsetResetPolicy": "earliest"})
		maps.Copy(metadata, both)
		maps.Copy(metadata, c.more)
		maps.DeleteFunc(metadata, func(_, value string) bool { return value == "" })
		var seen string
		want := fmt.Sprintf("value %d, at most %d replicas", c.value, c.replicas)
		sees(t, &seen, want, func() string {
			x := explainOne(ctx, t, p, metadata)
			if x.GetError() != "" {
				return x.GetError()
			}
			return fmt.Sprintf("value %d, at most %d replicas", x.GetDecision().GetValue(), x.GetDecision().GetMaxReplicas())
		})
		if seen != want {
			t.Errorf("%s: %s, want %s", name, seen, want)
		}
	}
	// An expression follows the cluster.
	must(t, cluster.CreateTopic(ctx, "select-later", 1, 1, nil), cluster.Produce(ctx, "select-later", 0, 7))
	metadata := metadataOn("select-new", "", map[string]string{"topicRegex": "select-.*", "lagThreshold": "100", "offsetResetPolicy": "earliest"})
	delete(metadata, "topic")
	for deadline := time.Now().Add(30 * time.Second); explainOne(ctx, t, p, metadata).GetTotalLag() != 187; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the new topic is not seen: %v", explainOne(ctx, t, p, metadata))
		}
	}
}
