//go:build realkafka

package acceptance

import (
	"testing"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// TestOldestKafka reads from brokers that know no request for several groups.
func TestOldestKafka(t *testing.T) {
	ctx := scene(t)
	old := kafkabroker.ForTest(t, kafkabroker.Options{Version: kafkabroker.Oldest, Brokers: 2})
	must(t,
		old.CreateTopic(ctx, "orders", 4, 2, nil),
		old.Produce(ctx, "orders", 0, 100),
		old.Produce(ctx, "orders", 3, 20),
		old.DeleteRecords(ctx, "orders", 3, 5),
	)
	groups := []string{"one", "two", "three"}
	var asked []lag.GroupTopics
	for i, group := range groups {
		must(t, old.Commit(ctx, group, "orders", map[int32]int64{0: int64(10 * (i + 1))}))
		asked = append(asked, lag.GroupTopics{Group: group, Topics: []lag.TopicPartitions{partitions("orders", 4)}})
	}
	client, counted := newClient(t, kafka.Config{BootstrapServers: old.Bootstrap()})
	topics, err := client.Topics(ctx, nil)
	must(t, err)
	found := false
	for _, topic := range topics {
		found = found || topic.Name == "orders" && len(topic.Partitions) == 4
	}
	if !found {
		t.Errorf("topic orders with 4 partitions is not among %v", topics)
	}
	for range 2 {
		counted.take()
		got := commits(ctx, t, client, asked...)
		for i, group := range groups {
			if offset, err := committed(got[group], "orders", 0); err != nil || offset != int64(10*(i+1)) {
				t.Errorf("group %s has committed %d, %v; want %d", group, offset, err, 10*(i+1))
			}
			if offset, err := committed(got[group], "orders", 1); err != nil || offset != lag.NoCommit {
				t.Errorf("group %s has committed %d, %v in a partition without a commit", group, offset, err)
			}
		}
	}
	if n := counted.take()["OffsetFetch"]; n != len(groups) {
		t.Errorf("%d OffsetFetch requests for %d groups: one a group is what 2.4 can do", n, len(groups))
	}
	for at, want := range map[lag.Position]map[int32]int64{
		lag.End: {0: 100, 1: 0, 2: 0, 3: 20}, lag.StableEnd: {0: 100, 1: 0, 2: 0, 3: 20}, lag.Start: {0: 0, 1: 0, 2: 0, 3: 5},
	} {
		got := logOffsets(ctx, t, client, at, partitions("orders", 4))
		for partition, offset := range want {
			if got := got[lag.TopicPartition{Topic: "orders", Partition: partition}]; got != (position{offset: offset}) {
				t.Errorf("%s of partition %d is %+v, want %d", at, partition, got, offset)
			}
		}
	}
	if requests := counted.take(); requests["ListOffsets"] > 6 {
		t.Errorf("three sweeps of two brokers took %v requests", requests)
	}
	member, err := old.Join(ctx, "live", kafkabroker.Classic, "orders")
	must(t, err)
	defer member.Close()
	got, err := client.DescribeGroup(ctx, "live")
	if err != nil || got.State != "Stable" || len(got.Members) != 1 {
		t.Errorf("group live: %+v, %v", got, err)
	}
}
