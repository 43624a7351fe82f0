//go:build realkafka

package acceptance

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
	"github.com/kafka-scaler/kafka-scaler/pkg/history"
	"github.com/kafka-scaler/kafka-scaler/pkg/history/arrivals"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// TestArrivalsOfThePast writes records of the last ten hours and reads back how many came when.
func TestArrivalsOfThePast(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	const topic, each, hours = "arrivals", 6, 10
	must(t, cluster.CreateTopic(ctx, topic, each, 1, nil))
	var times []time.Time
	now := time.Now().Truncate(time.Millisecond)
	for range 3000 {
		times = append(times, now.Add(-time.Duration(rand.Int64N(int64(hours*time.Hour/time.Millisecond)))*time.Millisecond))
	}
	for range 300 { // more of the last hour
		times = append(times, now.Add(-time.Duration(rand.Int64N(int64(time.Hour/time.Millisecond)))*time.Millisecond))
	}
	slices.SortFunc(times, time.Time.Compare)
	var records []*kgo.Record
	for _, at := range times {
		records = append(records, &kgo.Record{Topic: topic, Partition: rand.Int32N(each), Value: []byte("x"), Timestamp: at})
	}
	must(t, cluster.ProduceRecords(ctx, records...))

	client, counted := newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
	reader := arrivals.NewReader(client, arrivals.Options{})
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); reader.Run(running) }()
	defer func() { stop(); <-done }()
	var read []lag.TopicPartition
	for id := range int32(each) {
		read = append(read, lag.TopicPartition{Topic: topic, Partition: id})
	}
	began := time.Now()
	g := reader.Read(read)
	defer g.Close()
	var spans []latency.Arrivals
	eventually(t, func() bool {
		some, more := g.Take()
		spans = append(spans, some...)
		return !more
	})
	must(t, g.Err())
	var total int64
	for i, s := range spans {
		want := 0
		for _, at := range times {
			if !at.Before(s.Start) && at.Before(s.End) {
				want++
			}
		}
		if s.Records != int64(want) {
			t.Errorf("span %d, from %s to %s: %d records, want %d", i, s.Start, s.End, s.Records, want)
		}
		total += s.Records
	}
	late := 0
	for _, at := range times {
		if !at.Before(spans[0].End) {
			late++
		}
	}
	if int(total)+late != len(times) {
		t.Errorf("%d records in %d spans, and %d since, want %d", total, len(spans), late, len(times))
	}
	t.Logf("%d spans in %.1f s, requests %v", len(spans), time.Since(began).Seconds(), counted.take())
}

// TestObservation has the planner told of a real group what it wants to know, in either protocol.
func TestObservation(t *testing.T) {
	for name, protocol := range map[string]kafkabroker.Protocol{"classic": kafkabroker.Classic, "consumer": kafkabroker.Consumer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := scene(t)
			topic := "observed-" + name
			must(t, cluster.CreateTopic(ctx, topic, 4, 1, nil))
			for p := range int32(4) {
				must(t, cluster.Produce(ctx, topic, p, 10+int(p)))
			}
			must(t, cluster.Commit(ctx, topic, topic, map[int32]int64{0: 4, 1: 5, 2: 12, 3: 0}))
			client, _ := newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
			first, err := cluster.Join(ctx, topic, protocol, topic)
			must(t, err)
			defer first.Close()
			second, err := cluster.Join(ctx, topic, protocol, topic)
			must(t, err)
			defer second.Close()
			var h history.History
			var o latency.Observation
			eventually(t, func() bool {
				var m *lag.Membership
				client.Memberships(ctx, []lag.Group{{Name: topic}}, func(list []*lag.Membership) { m = list[0] })
				r := lag.Compute(lag.Rules{MaxAge: time.Minute}, offsetsOf(ctx, t, client, topic, 4), time.Now())
				o, err = h.Observe(nil, &r, m)
				owned := map[int32]int{}
				for _, p := range o.Partitions {
					owned[p.Owner]++
				}
				return err == nil && o.State == latency.Stable && o.Members == 2 && owned[0] == 2 && owned[1] == 2
			})
			for i, want := range []latency.Partition{{LogEnd: 10, Committed: 4}, {LogEnd: 11, Committed: 5}, {LogEnd: 12, Committed: 12}, {LogEnd: 13}} {
				if p := o.Partitions[i]; p.LogEnd != want.LogEnd || p.Committed != want.Committed || p.ID != int32(i) {
					t.Errorf("place %d: %+v, want %+v", i, p, want)
				}
			}
		})
	}
}

// offsetsOf are a group's offsets in the topic of its name.
func offsetsOf(ctx context.Context, t *testing.T, client *kafka.Client, topic string, n int32) []lag.Offsets {
	t.Helper()
	asked := time.Now()
	got := commits(ctx, t, client, lag.GroupTopics{Group: topic, Topics: []lag.TopicPartitions{partitions(topic, n)}})
	ends := logOffsets(ctx, t, client, lag.End, partitions(topic, n))
	var all []lag.Offsets
	for id := range n {
		offset, err := committed(got[topic], topic, id)
		must(t, err)
		tp := lag.TopicPartition{Topic: topic, Partition: id}
		all = append(all, lag.Offsets{TopicPartition: tp, Committed: offset, LogEnd: ends[tp].offset, ObservedAt: asked})
	}
	return all
}
