package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// commitInTransaction commits an offset of t0-1 for a group in a transaction that
// stays open until the test ends.
func commitInTransaction(t *testing.T, fake *fakekafka.Cluster, group string, offset int64) {
	t.Helper()
	const id = "exactly-once"
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.TransactionalID(id),
		kgo.MaxVersions(kversion.FromString("3.5"))) // later ones name topics by id
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	producer, epoch, err := client.ProducerID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = id, producer, epoch, group
	added, err := add.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(added.ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.ProducerID, commit.ProducerEpoch, commit.Group = id, producer, epoch, group
	commit.Generation = -1
	commit.Topics = []kmsg.TxnOffsetCommitRequestTopic{{Topic: "t0", Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{
		{Partition: 1, Offset: offset, LeaderEpoch: -1},
	}}}
	committed, err := commit.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(committed.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestOpenTransactionDoesNotHideTheCommit reads a partition whose next commit is
// in an open transaction: what counts is the commit before, and it takes one more
// request, for that partition only.
func TestOpenTransactionDoesNotHideTheCommit(t *testing.T) {
	for name, opts := range map[string][]kfake.Opt{
		"many groups a request": nil,
		"one group a request":   {kfake.MaxVersions(kversion.FromString("2.8"))},
	} {
		t.Run(name, func(t *testing.T) {
			fake := seeded(t, 1, 2, opts...)
			fake.Commit(t, "g", map[string]map[int32]int64{"t0": {0: 3, 1: 4}})
			commitInTransaction(t, fake, "g", 9)
			client := newClient(t, fake)
			asked := lag.GroupTopics{Group: "g", Topics: allOf(1, 2)}
			readCommits(t, client, asked)
			fake.Requests()
			got := readCommits(t, client, asked)["g"]
			if c := committed(t, got, "t0", 0); c.Offset != 3 || c.Err != nil {
				t.Errorf("t0-0: committed %d, %v; want 3", c.Offset, c.Err)
			}
			if c := committed(t, got, "t0", 1); c.Offset != 4 || c.Err != nil {
				t.Errorf("t0-1: committed %d, %v; want 4, the commit before the transaction", c.Offset, c.Err)
			}
			if sent := fake.Requests(); sent["OffsetFetch"] != 2 {
				t.Errorf("requests %v, want the one for all and the one for what is not stable", sent)
			}
		})
	}
}
