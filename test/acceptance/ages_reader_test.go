//go:build realkafka

package acceptance

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestAgesEqualReading: whatever the rhythm of a log, the age of a partition is that of the first record that a
// consumer, which reads it, gets: never younger by more than a second, nor older.
func TestAgesEqualReading(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	const topic, logs = "ages-read", 12
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	must(t, cluster.CreateTopic(ctx, topic, logs, 1, nil))
	commits := map[int32]int64{}
	for p := range int32(logs) {
		n := 1 + random.IntN(300)
		pause := time.Duration(1+random.Int64N(int64(2*time.Hour))) / time.Duration(n)
		at := time.Now().Add(-2 * time.Hour)
		var all []*kgo.Record
		for range n {
			// Many at once, then none for a while.
			if random.IntN(3) == 0 {
				at = at.Add(time.Duration(random.Int64N(int64(2 * pause))))
			}
			all = append(all, &kgo.Record{Topic: topic, Partition: p, Timestamp: at.Truncate(time.Millisecond)})
		}
		must(t, cluster.ProduceRecords(ctx, all...))
		commits[p] = random.Int64N(int64(n) + 1)
	}
	ends, err := cluster.EndOffsets(ctx, topic)
	must(t, err, cluster.Commit(ctx, topic, topic, commits))
	p := serve(t, "")
	x := explainOne(ctx, t, p, metadataOn(topic, topic, map[string]string{"lagSecondsThreshold": "30"}))
	asked := time.Now()
	if x.GetError() != "" || len(x.GetPartitions()) != logs {
		t.Fatal(x.GetError())
	}
	for _, r := range x.GetPartitions() {
		id := r.GetPartition()
		if commits[id] == ends[id] {
			if r.GetAge().AsDuration() != 0 || r.GetAgeError() != "" {
				t.Errorf("partition %d has no lag, and the age %v %s", id, r.GetAge().AsDuration(), r.GetAgeError())
			}
			continue
		}
		truth := asked.Sub(oldestAt(ctx, t, topic, id, commits[id]))
		early := truth - r.GetAge().AsDuration()
		if r.GetAgeError() != "" || early > time.Second+asked.Sub(x.GetObservedAt().AsTime()) || early < -time.Second {
			t.Errorf("partition %d, commit %d: age %v, and that of the record is %v; %s", id, commits[id], r.GetAge().AsDuration(), truth, r.GetAgeError())
		}
	}
}

// oldestAt reads the timestamp of the first record from an offset on.
func oldestAt(ctx context.Context, t *testing.T, topic string, partition int32, from int64) time.Time {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Bootstrap()...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(from)}}))
	must(t, err)
	defer client.Close()
	fetches := client.PollFetches(ctx)
	must(t, fetches.Err())
	return fetches.Records()[0].Timestamp
}
