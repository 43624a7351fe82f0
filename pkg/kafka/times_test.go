package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func TestOffsetsForTimes(t *testing.T) {
	fake := seeded(t, 2, 3)
	begin := time.Now().Add(-time.Hour).Truncate(time.Second)
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := within(t, callTime)
	for i := range 10 {
		r := &kgo.Record{Topic: "t1", Partition: 2, Timestamp: begin.Add(time.Duration(i) * time.Minute)}
		if err := client.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	ours := newClient(t, fake)
	readOffsets(t, ours, lag.End, allOf(2, 3))
	fake.Requests()
	for after, want := range map[time.Duration]int64{-time.Hour: 0, 0: 0, time.Millisecond: 1, 9 * time.Minute: 9, 10 * time.Minute: -1} {
		d := offsets(t)
		at := begin.Add(after).UnixMilli()
		ours.OffsetsForTimes(context.WithoutCancel(ctx), map[lag.TopicPartition]int64{tp("t1", 2): at, tp("t0", 0): at, tp("gone", 7): at}, d.deliver)
		got := d.all[tp("t1", 2)]
		if got.Err != nil || got.Offset != want {
			t.Errorf("%s after the first: %+v, want offset %d", after, got, want)
		}
		if want >= 0 && got.Timestamp != begin.Add(time.Duration(want)*time.Minute).UnixMilli() {
			t.Errorf("offset %d has timestamp %d", want, got.Timestamp)
		}
		if empty := d.all[tp("t0", 0)]; empty.Err != nil || empty.Offset != -1 {
			t.Errorf("an empty log: %+v", empty)
		}
		if gone := d.all[tp("gone", 7)]; gone.Err == nil {
			t.Errorf("no topic: %+v", gone)
		}
	}
}
