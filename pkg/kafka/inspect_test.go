package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// transact appends n records in a transaction and ends it.
func transact(t testing.TB, fake *fakekafka.Cluster, topic string, n int, end kgo.TransactionEndTry) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.TransactionalID("transact"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Topic: topic}
	}
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := client.EndTransaction(ctx, end); err != nil {
		t.Fatal(err)
	}
}

func inspect(t testing.TB, client *kafka.Client, readCommitted bool, looks ...lag.Look) map[lag.TopicPartition]lag.Sight {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	d := &deliveries[lag.TopicPartition, lag.Sight]{
		t: t, key: func(s lag.Sight) lag.TopicPartition { return s.TopicPartition },
		all: map[lag.TopicPartition]lag.Sight{}, at: map[lag.TopicPartition]time.Time{},
	}
	client.Inspect(ctx, readCommitted, looks, d.deliver)
	if len(d.all) != len(looks) {
		t.Errorf("%d of %d looks were delivered", len(d.all), len(looks))
	}
	return d.all
}

// One log: 0-4 plain, 5-7 committed and its marker 8, 9-11 aborted and its marker 12, 13 plain.
func TestInspectTransactions(t *testing.T) {
	fake := seeded(t, 1, 1)
	fake.Produce(t, "t0", 0, 5)
	transact(t, fake, "t0", 3, kgo.TryCommit)
	transact(t, fake, "t0", 3, kgo.TryAbort)
	fake.Produce(t, "t0", 0, 1)
	client := newClient(t, fake)
	if got := readOffsets(t, client, lag.End, allOf(1, 1))[tp("t0", 0)]; got.Offset != 14 {
		t.Fatalf("the log ends at %d: this is not the log that the cases are about", got.Offset)
	}
	const record = false
	for _, c := range []struct {
		from, to      int64
		readCommitted bool
		empty         bool
		upTo          int64
	}{
		{3, 5, true, record, 3},
		{5, 8, true, record, 5},
		{7, 9, true, record, 7},
		{8, 9, true, true, 9},    // a marker
		{8, 9, false, true, 9},   // for all eyes
		{8, 13, true, true, 13},  // two markers and what was aborted
		{9, 13, true, true, 13},  // from the first that was aborted
		{11, 13, true, true, 13}, // from its middle
		{9, 13, false, record, 9},
		{12, 13, false, true, 13},
		{8, 14, true, record, 13}, // a record behind it all
		{12, 14, true, record, 13},
	} {
		look := lag.Look{TopicPartition: tp("t0", 0), From: c.from, To: c.to}
		got := inspect(t, client, c.readCommitted, look)[tp("t0", 0)]
		if !got.Taken || got.Empty != c.empty || got.Clear != c.upTo || got.Err != nil {
			t.Errorf("from %d to %d, read committed %v: %+v, want empty %v up to %d", c.from, c.to, c.readCommitted, got, c.empty, c.upTo)
		}
	}
}

func TestInspectAsksEveryLeaderOnce(t *testing.T) {
	fake := seeded(t, 30, 3)
	client := newClient(t, fake)
	var looks []lag.Look
	for i, p := range allOf(30, 3) {
		for _, id := range p.Partitions {
			if i < 28 {
				fake.Produce(t, p.Topic, id, 1)
			}
			looks = append(looks, lag.Look{TopicPartition: tp(p.Topic, id), From: 0, To: 1})
		}
	}
	readOffsets(t, client, lag.End, allOf(30, 3)) // learns the routes
	fake.Requests()
	taken := 0
	for _, s := range inspect(t, client, false, looks...) {
		if s.Taken {
			taken++
		}
		if s.Empty || s.Err != nil {
			t.Errorf("%+v, but there is a record", s)
		}
	}
	if sent := fake.Requests(); sent["Fetch"] != 3 || len(sent) != 1 {
		t.Errorf("requests %v, want 3 Fetch, one a leader", sent)
	}
	if taken == 0 || taken > 3*20 {
		t.Errorf("%d looks were taken with three requests of at most 20", taken)
	}
}

// Where nothing was seen, nothing is known.
func TestInspectWithoutAnswer(t *testing.T) {
	fake := seeded(t, 1, 3)
	fake.Produce(t, "t0", 0, 1)
	client := newClient(t, fake)
	look := []lag.Look{{TopicPartition: tp("t0", 0), From: 0, To: 1}, {TopicPartition: tp("gone", 0), From: 0, To: 1}, {TopicPartition: tp("t0", 1), From: 7, To: 9}}
	readOffsets(t, client, lag.End, allOf(1, 3))
	for name, s := range inspect(t, client, false, look[1:]...) {
		if s.Taken || s.Empty || s.Err != nil {
			t.Errorf("%v: %+v", name, s)
		}
	}
	fake.Hang(0)
	defer fake.Resume(0)
	ctx := within(t, 200*time.Millisecond)
	client.Inspect(ctx, false, look[:1], func(s []lag.Sight) {
		if s[0].Taken || s[0].Empty {
			t.Errorf("%+v from a broker that hangs", s)
		}
		wantKind(t, s[0].Err, fault.Unavailable)
	})
}

func TestInspectWithoutRead(t *testing.T) {
	fake := seeded(t, 1, 1)
	fake.Produce(t, "t0", 0, 1)
	client := newClient(t, fake)
	readOffsets(t, client, lag.End, allOf(1, 1))
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t0", Err: kerr.TopicAuthorizationFailed, Count: -1})
	s := inspect(t, client, true, lag.Look{TopicPartition: tp("t0", 0), From: 0, To: 1})[tp("t0", 0)]
	wantKind(t, s.Err, fault.Denied)
	if s.Taken || s.Empty {
		t.Errorf("%+v", s)
	}
}
