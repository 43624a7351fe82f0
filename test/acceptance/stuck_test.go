//go:build realkafka

package acceptance

import (
	"context"
	"fmt"
	"testing"
	"time"

	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// TestStuckPartition: of three partitions, one stands still, one is slow, and one has nothing to do. The first
// is left out once it has stood still for as long as the trigger says, and from activation too, if that is asked
// for, as soon as the group was seen at work meanwhile. The slow one is never taken for stuck.
func TestStuckPartition(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	p := serve(t, "")
	const name, after = "stuck", 4 * time.Second
	must(t, cluster.CreateTopic(ctx, name, 3, 1, nil), cluster.Produce(ctx, name, 0, 1000), cluster.Produce(ctx, name, 1, 200))
	must(t, cluster.Commit(ctx, name, name, map[int32]int64{0: 100, 1: 0, 2: 0}))
	all := map[string]string{"lagThreshold": "10", "excludePersistentLag": "true", "persistentLagAfter": after.String()}
	value := metadataOn(name, name, all)
	all["excludePersistentLagFromActivation"] = "true"
	both := metadataOn(name, name, all)

	begin := time.Now()
	slow := int64(0)
	// work has the group go on in the slow partition, and returns what is seen then.
	work := func(metadata map[string]string) *kafkascalerv1.Explanation {
		slow++
		must(t, cluster.Commit(ctx, name, name, map[int32]int64{1: slow}))
		// Only what KEDA asks about stays in the refresh, and whoever stops looking cannot tell what stands still.
		_, err := p.evaluate(ctx, t, metadata)
		must(t, err)
		x := explainOne(ctx, t, p, metadata)
		if got := reasonOf(x, 1); got != "lagging" {
			t.Fatalf("the slow partition is %s", got)
		}
		time.Sleep(500 * time.Millisecond)
		return x
	}
	for time.Since(begin) < after-time.Second {
		if x := work(value); reasonOf(x, 0) != "lagging" && time.Since(begin) < after {
			t.Fatalf("after %v the partition is %s", time.Since(begin), reasonOf(x, 0))
		}
	}
	eventually(t, func() bool { return reasonOf(work(value), 0) == "persistent" })
	x := explainOne(ctx, t, p, value)
	stuck, lagging := x.GetPartitions()[0], x.GetPartitions()[1].GetLag()
	if stuck.GetLag() != 0 || stuck.GetExcluded() != 900 || stuck.GetActivationLag() != 900 || x.GetTotalLag() != lagging {
		t.Errorf("total %d of %d in the slow partition; the stuck one: %v", x.GetTotalLag(), lagging, stuck)
	}
	eventually(t, func() bool {
		x = work(both)
		return reasonOf(x, 0) == "persistent" && x.GetPartitions()[0].GetActivationLag() == 0
	})

	// The slow partition done, nothing is left that would wake the group but, where it counts, the stuck lag.
	must(t, cluster.Commit(ctx, name, name, map[int32]int64{1: 200}))
	for metadata, active := range map[*map[string]string]bool{&value: true, &both: false} {
		eventually(t, func() bool {
			got, err := p.evaluate(ctx, t, *metadata)
			must(t, err)
			return got == outcome{value: 0, active: active}
		})
	}
	// It counts again as soon as its commit moves.
	must(t, cluster.Commit(ctx, name, name, map[int32]int64{0: 101}))
	eventually(t, func() bool {
		got, err := p.evaluate(ctx, t, both)
		must(t, err)
		return got.active && got.value > 0
	})
}

func explainOne(ctx context.Context, t *testing.T, p *product, metadata map[string]string) *kafkascalerv1.Explanation {
	t.Helper()
	answer, err := p.Own.Explain(ctx, &kafkascalerv1.ExplainRequest{ScalerMetadata: metadata})
	must(t, err)
	return answer.GetExplanations()[0]
}

func reasonOf(x *kafkascalerv1.Explanation, partition int) string {
	if x.GetError() != "" || partition >= len(x.GetPartitions()) {
		return fmt.Sprintf("not known: %s", x.GetError())
	}
	return x.GetPartitions()[partition].GetReason()
}
