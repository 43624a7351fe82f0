package kafkabroker

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Produce writes count small records to a partition, in batches, and returns when
// all in-sync replicas have them.
func (c *Cluster) Produce(ctx context.Context, topic string, partition int32, count int) error {
	return c.ProduceRecords(ctx, records(topic, partition, count)...)
}

// ProduceRecords writes records to the partitions that they name.
func (c *Cluster) ProduceRecords(ctx context.Context, all ...*kgo.Record) error {
	ctx, cancel := withPatience(ctx)
	defer cancel()
	client, err := c.newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.ProduceSync(ctx, all...).FirstErr(); err != nil {
		return fmt.Errorf("produce %d records: %w", len(all), err)
	}
	return nil
}

func records(topic string, partition int32, count int) []*kgo.Record {
	all := make([]*kgo.Record, count)
	for i := range all {
		// A topic that is compacted takes no record without a key.
		all[i] = &kgo.Record{Topic: topic, Partition: partition, Key: []byte("k"), Value: []byte("x")}
	}
	return all
}

// DeleteRecords moves a partition's log start to before, as retention would.
func (c *Cluster) DeleteRecords(ctx context.Context, topic string, partition int32, before int64) error {
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		var offsets kadm.Offsets
		offsets.AddOffset(topic, partition, before, -1)
		answers, err := admin.DeleteRecords(ctx, offsets)
		if err == nil {
			err = answers.Error()
		}
		if err != nil {
			return fmt.Errorf("delete the records of %s-%d before %d: %w", topic, partition, before, err)
		}
		return nil
	})
}

// EndOffsets returns the log end (high watermark) of every partition of a topic.
func (c *Cluster) EndOffsets(ctx context.Context, topic string) (map[int32]int64, error) {
	ends := map[int32]int64{}
	err := c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		listed, err := admin.ListEndOffsets(ctx, topic)
		if err == nil {
			err = listed.Error()
		}
		if err != nil {
			return fmt.Errorf("list the end offsets of %s: %w", topic, err)
		}
		for partition, o := range listed[topic] {
			ends[partition] = o.Offset
		}
		return nil
	})
	return ends, err
}

// Transaction is an open transaction with records in one partition. Those who read
// committed records only cannot get past its first one.
type Transaction struct {
	client *kgo.Client
}

// BeginTransaction writes count records to a partition in a transaction that stays
// open until [Transaction.End], or for the broker's transaction timeout. The id is
// the transactional id; another transaction with the same one fences this.
func (c *Cluster) BeginTransaction(ctx context.Context, id, topic string, partition int32, count int) (*Transaction, error) {
	ctx, cancel := withPatience(ctx)
	defer cancel()
	client, err := c.newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(id))
	if err != nil {
		return nil, err
	}
	if err := client.BeginTransaction(); err != nil {
		client.Close()
		return nil, fmt.Errorf("begin transaction %s: %w", id, err)
	}
	if err := client.ProduceSync(ctx, records(topic, partition, count)...).FirstErr(); err != nil {
		client.Close()
		return nil, fmt.Errorf("produce in transaction %s: %w", id, err)
	}
	return &Transaction{client: client}, nil
}

// End commits or aborts the transaction and closes its client. The broker answers
// before the markers are in the log: for some milliseconds the last stable offset
// is still the old one.
func (t *Transaction) End(ctx context.Context, commit bool) error {
	defer t.client.Close()
	ctx, cancel := withPatience(ctx)
	defer cancel()
	if err := t.client.EndTransaction(ctx, kgo.TransactionEndTry(commit)); err != nil {
		return fmt.Errorf("end a transaction: %w", err)
	}
	return nil
}

// Abandon closes the client and leaves the transaction open, as a producer does that
// has died: it hangs until the broker's transaction timeout.
func (t *Transaction) Abandon() { t.client.Close() }

// ProduceTransaction writes count records in a transaction and ends it.
func (c *Cluster) ProduceTransaction(ctx context.Context, id, topic string, partition int32, count int, commit bool) error {
	t, err := c.BeginTransaction(ctx, id, topic, partition, count)
	if err != nil {
		return err
	}
	return t.End(ctx, commit)
}
