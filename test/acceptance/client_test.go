//go:build realkafka

package acceptance

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// TestSweepTakesSixRequests reads the commits and log ends of many groups from
// three brokers: one request a coordinator and one a leader, once these are known.
func TestSweepTakesSixRequests(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	const count, each = 60, 6
	var names []string
	var groups []lag.GroupTopics
	var parts []lag.TopicPartitions
	for i := range count {
		name := fmt.Sprintf("sweep-%d", i)
		names = append(names, name)
		groups = append(groups, lag.GroupTopics{Group: name, Topics: []lag.TopicPartitions{partitions(name, each)}})
		parts = append(parts, partitions(name, each))
	}
	must(t, cluster.CreateTopics(ctx, names, each, 1, nil))
	var setUp errgroup.Group
	setUp.SetLimit(4)
	for i, name := range names {
		setUp.Go(func() error {
			if err := cluster.Produce(ctx, name, 1, 10+i); err != nil {
				return err
			}
			return cluster.Commit(ctx, name, name, map[int32]int64{1: int64(i)})
		})
	}
	must(t, setUp.Wait())

	client, counted := newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
	for sweep := range 3 {
		got := commits(ctx, t, client, groups...)
		ends := logOffsets(ctx, t, client, lag.End, parts...)
		for i, name := range names {
			if offset, err := committed(got[name], name, 1); err != nil || offset != int64(i) {
				t.Errorf("group %s has committed %d, %v; want %d", name, offset, err, i)
			}
			if offset, err := committed(got[name], name, 0); err != nil || offset != lag.NoCommit {
				t.Errorf("group %s has committed %d, %v in a partition without a commit", name, offset, err)
			}
			if end := ends[lag.TopicPartition{Topic: name, Partition: 1}]; end != (position{offset: int64(10 + i)}) {
				t.Errorf("%s-1 ends at %+v; want %d", name, end, 10+i)
			}
		}
		requests := counted.take()
		if sweep == 0 {
			continue // it also finds the leaders and the coordinators
		}
		total := 0
		for _, n := range requests {
			total += n
		}
		if total > 6 {
			t.Errorf("sweep %d took %v requests, want at most 6", sweep, requests)
		}
	}
	for _, b := range client.Stats() {
		if b.Open > kafka.DefaultMaxConnectionsPerBroker {
			t.Errorf("%d connections to broker %d", b.Open, b.Broker)
		}
	}
}

func TestOffsetsEqualThoseOfKafkasOwnTool(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	must(t,
		cluster.CreateTopic(ctx, "tool", 4, 3, nil),
		cluster.Produce(ctx, "tool", 0, 100),
		cluster.Produce(ctx, "tool", 1, 5),
		cluster.Produce(ctx, "tool", 2, 9),
		cluster.DeleteRecords(ctx, "tool", 0, 30),
		cluster.Commit(ctx, "tool", "tool", map[int32]int64{0: 40, 1: 5, 2: 0}),
	)
	rows, err := cluster.DescribeGroup(ctx, "tool")
	must(t, err)
	if len(rows) != 3 {
		t.Errorf("the tool prints %d partitions, want the 3 with a commit", len(rows))
	}
	client, _ := newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
	ours := commits(ctx, t, client, lag.GroupTopics{Group: "tool"})["tool"] // of every topic with a commit
	ends := logOffsets(ctx, t, client, lag.End, partitions("tool", 4))
	starts := logOffsets(ctx, t, client, lag.Start, partitions("tool", 4))
	for _, row := range rows {
		tp := lag.TopicPartition{Topic: row.Topic, Partition: row.Partition}
		offset, err := committed(ours, row.Topic, row.Partition)
		must(t, err)
		if end := ends[tp]; offset != row.CommittedOffset || end.err != nil || end.offset != row.LogEndOffset {
			t.Errorf("%s: committed %d, end %+v; Kafka's tool says %d and %d", tp, offset, end, row.CommittedOffset, row.LogEndOffset)
		}
	}
	if start := starts[lag.TopicPartition{Topic: "tool", Partition: 0}]; start != (position{offset: 30}) {
		t.Errorf("the log starts at %+v, want 30", start)
	}
}

func TestOpenTransactionHidesWhatLiesBehind(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	must(t, cluster.CreateTopic(ctx, "tx", 1, 3, nil), cluster.Produce(ctx, "tx", 0, 10))
	open, err := cluster.BeginTransaction(ctx, "acceptance-tx", "tx", 0, 5)
	must(t, err)
	must(t, cluster.Produce(ctx, "tx", 0, 3))
	client, _ := newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
	tp := lag.TopicPartition{Topic: "tx", Partition: 0}
	if end := logOffsets(ctx, t, client, lag.End, partitions("tx", 1))[tp]; end != (position{offset: 18}) {
		t.Errorf("log end %+v, want 18", end)
	}
	if stable := logOffsets(ctx, t, client, lag.StableEnd, partitions("tx", 1))[tp]; stable != (position{offset: 10}) {
		t.Errorf("last stable offset %+v, want 10", stable)
	}
	must(t, open.End(ctx, true))
	eventually(t, func() bool { // 19: the transaction's marker takes an offset, some time after its end
		return logOffsets(ctx, t, client, lag.StableEnd, partitions("tx", 1))[tp] == position{offset: 19}
	})
}

func TestTopicsComeGrowAndGo(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	client, _ := newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
	describe := func() lag.Topic {
		topics, err := client.Topics(ctx, []string{"mayfly"})
		must(t, err)
		return topics[0]
	}
	if got := describe(); fault.KindOf(got.Err) != fault.NotFound {
		t.Errorf("before it is created: %v", got.Err)
	}
	must(t, cluster.CreateTopic(ctx, "mayfly", 2, 3, nil))
	first := describe()
	if first.Err != nil || len(first.Partitions) != 2 {
		t.Errorf("created with 2 partitions: %+v", first)
	}
	must(t, cluster.Produce(ctx, "mayfly", 0, 4), cluster.AddPartitions(ctx, "mayfly", 5))
	if got := describe(); len(got.Partitions) != 5 || got.ID != first.ID {
		t.Errorf("grown to 5 partitions: %+v", got)
	}
	last := lag.TopicPartition{Topic: "mayfly", Partition: 4}
	if end := logOffsets(ctx, t, client, lag.End, partitions("mayfly", 5))[last]; end != (position{}) {
		t.Errorf("a new partition ends at %+v, want 0", end)
	}
	must(t, cluster.DeleteTopic(ctx, "mayfly"))
	if got := describe(); fault.KindOf(got.Err) != fault.NotFound {
		t.Errorf("after it was deleted: %v", got.Err)
	}
	for tp, end := range logOffsets(ctx, t, client, lag.End, partitions("mayfly", 5)) {
		if end.err == nil {
			t.Errorf("%s of a deleted topic ends at %d", tp, end.offset)
		}
	}
	must(t, cluster.CreateTopic(ctx, "mayfly", 1, 3, nil))
	if got := describe(); got.Err != nil || got.ID == first.ID {
		t.Errorf("made again it should have a new id: %+v", got)
	}
	if end := logOffsets(ctx, t, client, lag.End, partitions("mayfly", 1))[lag.TopicPartition{Topic: "mayfly"}]; end != (position{}) {
		t.Errorf("made again it ends at %+v, want 0", end)
	}
}

func TestDescribeGroupOfEitherProtocol(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	must(t, cluster.CreateTopic(ctx, "described", 3, 1, nil))
	client, _ := newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
	for want, protocol := range map[string]kafkabroker.Protocol{
		kafka.ClassicProtocol:  kafkabroker.Classic,
		kafka.ConsumerProtocol: kafkabroker.Consumer,
	} {
		group := "described-" + want
		member, err := cluster.Join(ctx, group, protocol, "described")
		must(t, err)
		eventually(t, func() bool {
			got, err := client.DescribeGroup(ctx, group)
			must(t, err)
			assigned := 0
			for _, m := range got.Members {
				for _, a := range m.Assignments {
					assigned += len(a.Partitions)
				}
			}
			return got.State == "Stable" && got.Protocol == want && len(got.Members) == 1 && assigned == 3
		})
		coordinator, err := cluster.Coordinator(ctx, group)
		must(t, err)
		if got, err := client.DescribeGroup(ctx, group); err != nil || got.Coordinator != coordinator {
			t.Errorf("group %s: %+v, %v; want coordinator %d", group, got, err, coordinator)
		}
		member.Close()
		eventually(t, func() bool {
			got, err := client.DescribeGroup(ctx, group)
			must(t, err)
			return len(got.Members) == 0
		})
	}
	got, err := client.DescribeGroup(ctx, "never-seen")
	if err != nil || got.State != kafka.StateDead {
		t.Errorf("a group that does not exist: %+v, %v", got, err)
	}
}
