//go:build realkafka

package acceptance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// TestRandomHistories: whatever transactions a log has seen, phantom lag hides no
// record that a consumer, which reads everything, still gets, and leaves no lag
// where it gets none.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	const topic, logs = "histories", 16
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	must(t, cluster.CreateTopic(ctx, topic, logs, 1, nil))
	for p := range int32(logs) {
		for step := range 1 + random.IntN(4) {
			n := 1 + random.IntN(6)
			if kind := random.IntN(5); kind == 0 {
				must(t, cluster.Produce(ctx, topic, p, n))
			} else {
				must(t, cluster.ProduceTransaction(ctx, fmt.Sprintf("history-%d-%d", p, step), topic, p, n, kind == 1))
			}
		}
	}
	ends := steadyEnds(ctx, t, topic)
	commits := map[int32]int64{}
	for p, end := range ends {
		commits[p] = random.Int64N(end + 1)
	}
	must(t, cluster.Commit(ctx, topic, topic, commits))
	p := serve(t, "")
	for isolation, level := range map[string]kgo.IsolationLevel{"read_uncommitted": kgo.ReadUncommitted(), "read_committed": kgo.ReadCommitted()} {
		left := readAll(ctx, t, topic, level, commits, ends)
		metadata := metadataOn(topic, topic, map[string]string{"isolationLevel": isolation, "lagThreshold": "10"})
		wrong := "not asked"
		for deadline := time.Now().Add(30 * time.Second); wrong != "" && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
			answer, err := p.Own.Explain(ctx, &kafkascalerv1.ExplainRequest{ScalerMetadata: metadata})
			must(t, err)
			wrong = judge(t, answer.GetExplanations()[0], left)
		}
		if wrong != "" {
			t.Errorf("%s: %s", isolation, wrong)
		}
	}
}

// judge compares with what a reader gets. That a record is hidden is wrong at once; a lag that is none may
// take some refreshes to be found out.
func judge(t *testing.T, x *kafkascalerv1.Explanation, left map[int32]int) string {
	t.Helper()
	if x.GetError() != "" {
		return x.GetError()
	}
	wrong := ""
	for _, r := range x.GetPartitions() {
		switch got := left[r.GetPartition()]; {
		case got > 0 && r.GetLag() < int64(got):
			t.Fatalf("partition %d: lag %d (%s) hides some of %d records: %v", r.GetPartition(), r.GetLag(), r.GetReason(), got, r)
		case got == 0 && r.GetLag() > 0:
			wrong = fmt.Sprintf("partition %d: lag %d (%s), but a consumer gets nothing", r.GetPartition(), r.GetLag(), r.GetReason())
		}
	}
	return wrong
}

// steadyEnds returns the log ends once no more markers come.
func steadyEnds(ctx context.Context, t *testing.T, topic string) map[int32]int64 {
	t.Helper()
	before := map[int32]int64{}
	same := 0
	eventually(t, func() bool {
		ends, err := cluster.EndOffsets(ctx, topic)
		must(t, err)
		if fmt.Sprint(ends) == fmt.Sprint(before) {
			same++
		} else {
			same = 0
		}
		before = ends
		time.Sleep(100 * time.Millisecond)
		return same >= 10
	})
	return before
}

// readAll reads every partition from its commit to its end, and returns how many records there were.
func readAll(ctx context.Context, t *testing.T, topic string, level kgo.IsolationLevel, from, ends map[int32]int64) map[int32]int {
	t.Helper()
	at := map[int32]kgo.Offset{}
	open := 0
	for p, offset := range from {
		if offset < ends[p] {
			at[p] = kgo.NewOffset().At(offset)
			open++
		}
	}
	// Control records tell where the end is, where nothing else does.
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Bootstrap()...), kgo.FetchIsolationLevel(level), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: at}))
	must(t, err)
	defer client.Close()
	left, done := map[int32]int{}, map[int32]bool{}
	for len(done) < open {
		fetches := client.PollFetches(ctx)
		must(t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				left[r.Partition]++
			}
			if r.Offset == ends[r.Partition]-1 {
				done[r.Partition] = true
			}
		})
	}
	return left
}

// TestAgesOnRealLogs: the age is that of the oldest unconsumed record, whoever's clock has stamped it.
func TestAgesOnRealLogs(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	p := serve(t, "")
	for name, config := range map[string]map[string]string{
		"ages-create": nil, "ages-append": {"message.timestamp.type": "LogAppendTime"},
	} {
		must(t, cluster.CreateTopic(ctx, name, 2, 1, config))
		begin := time.Now()
		for p := range int32(2) {
			var all []*kgo.Record
			for i := range 3600 {
				all = append(all, &kgo.Record{Topic: name, Partition: p, Timestamp: begin.Add(time.Duration(i-3600) * time.Second)})
			}
			must(t, cluster.ProduceRecords(ctx, all...))
		}
		must(t, cluster.Commit(ctx, name, name, map[int32]int64{0: 3600, 1: 3000}))
		metadata := metadataOn(name, name, map[string]string{"lagSecondsThreshold": "30", "limitToPartitionsWithLag": "false", "allowIdleConsumers": "true"})
		got, err := p.evaluate(ctx, t, metadata)
		must(t, err)
		low, high := int64(599), int64(602+time.Since(begin).Seconds())
		if config != nil {
			low, high = 0, int64(2+time.Since(begin).Seconds())
		}
		if got.value < low || got.value > high || !got.active {
			t.Errorf("%s: %+v, want %d to %d seconds", name, got, low, high)
		}
	}
}

// TestShareGroup: what a share group has finished is no lag, in order or not.
func TestShareGroup(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	const name = "sharing"
	must(t, cluster.CreateTopic(ctx, name, 1, 1, nil))
	member, err := kgo.NewClient(kgo.SeedBrokers(cluster.Bootstrap()...), kgo.ShareGroup(name), kgo.ConsumeTopics(name))
	must(t, err)
	defer member.Close()
	p := serve(t, "")
	metadata := metadataOn(name, name, map[string]string{"lagThreshold": "1"})
	produced, taken := 0, 0
	for taken < 5 {
		// A share group begins at the end of the log, when the member has its assignment.
		must(t, cluster.Produce(ctx, name, 0, 1))
		produced++
		poll, cancel := context.WithTimeout(ctx, time.Second)
		for _, r := range member.PollRecords(poll, 5).Records() {
			r.Ack(kgo.AckAccept)
			taken++
		}
		cancel()
		must(t, member.FlushAcks(ctx))
	}
	must(t, cluster.Produce(ctx, name, 0, 40))
	want := int64(40 + produced - taken)
	var x *kafkascalerv1.Explanation
	eventually(t, func() bool {
		answer, err := p.Own.Explain(ctx, &kafkascalerv1.ExplainRequest{ScalerMetadata: metadata})
		must(t, err)
		x = answer.GetExplanations()[0]
		// Those before the group began are not its own.
		return x.GetError() == "" && x.GetTotalLag() >= 40 && x.GetTotalLag() <= want
	})
	if g := x.GetConsumerGroups()[0]; g.GetKind() != "share" || x.GetDecision().GetMaxReplicas() != 0 {
		t.Errorf("group %v, decision %v: want a share group, whose partitions are no cap", g, x.GetDecision())
	}
}
