//go:build realkafka

package acceptance

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaport"
	"github.com/kafka-scaler/kafka-scaler/internal/vectors"
)

// TestVectors sets the reference cases up as real topics with real commits, and
// asks the running product as KEDA does, in both modes.
func TestVectors(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	p := serve(t, "")
	for i, v := range vectors.All() {
		t.Run(v.Name, func(t *testing.T) {
			topic := fmt.Sprintf("vector-%d", i)
			must(t, lay(ctx, topic, topic, v.Lags))
			flags := maps.Clone(v.Flags)
			if flags == nil {
				flags = map[string]string{}
			}
			flags["lagThreshold"] = strconv.FormatInt(v.Threshold, 10)
			for mode, want := range map[string]vectors.Outcome{"keda": v.KEDA, "": v.Corrected} {
				flags["compatibility"] = mode
				got, err := p.evaluate(ctx, t, metadataOn(topic, topic, flags))
				if err != nil {
					t.Fatalf("compatibility %q: %v", mode, err)
				}
				if (got != outcome{want.Value, want.Active}) {
					t.Errorf("compatibility %q: got %+v, want %+v", mode, got, want)
				}
			}
		})
	}
}

// lay makes a topic with a partition a lag, of which the group is so far behind.
// A lag below zero is a commit that far beyond the end; noCommit leaves the
// partition without one, and with that many records.
func lay(ctx context.Context, topic, group string, lags []int64) error {
	if err := cluster.CreateTopic(ctx, topic, int32(len(lags)), 1, nil); err != nil {
		return err
	}
	const taken = 7
	commits := map[int32]int64{}
	var produce errgroup.Group
	produce.SetLimit(4)
	for p, behind := range lags {
		commits[int32(p)] = taken
		records := taken + behind
		if behind < 0 {
			records, commits[int32(p)] = taken, taken-behind
		}
		produce.Go(func() error { return cluster.Produce(ctx, topic, int32(p), int(records)) })
	}
	if err := produce.Wait(); err != nil {
		return err
	}
	return cluster.Commit(ctx, group, topic, commits)
}

// TestCompatibilityOnRandomGroups runs random lags and flags on real topics
// against the port of KEDA's own trigger.
func TestCompatibilityOnRandomGroups(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	p := serve(t, "")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range 25 {
		name := fmt.Sprintf("random-%d", i)
		answer, err := layRandom(ctx, random, name)
		must(t, err)
		for range 4 {
			k, flags := randomTrigger(random)
			want, active, err := k.Evaluate(answer)
			must(t, err)
			got, err := p.evaluate(ctx, t, metadataOn(name, name, flags))
			if err != nil {
				t.Fatalf("%v: %v", flags, err)
			}
			if (got != outcome{want, active}) {
				t.Errorf("%v on %+v: got %+v, KEDA %d %t", flags, answer, got, want, active)
			}
		}
	}
}

// layRandom makes a topic whose partitions are committed or not, deleted from or
// not, ahead or behind, and returns what Kafka says about it.
func layRandom(ctx context.Context, random *rand.Rand, name string) (kedaport.Answer, error) {
	a := kedaport.Answer{Commits: map[int32]int64{}, Starts: map[int32]int64{}, Ends: map[int32]int64{}}
	partitions := 1 + random.Int32N(8)
	if err := cluster.CreateTopic(ctx, name, partitions, 1, nil); err != nil {
		return a, err
	}
	commits := map[int32]int64{}
	for p := range partitions {
		a.Ends[p], a.Starts[p], a.Commits[p] = random.Int64N(60), 0, -1
		if err := cluster.Produce(ctx, name, p, int(a.Ends[p])); err != nil {
			return a, err
		}
		if random.IntN(3) == 0 && a.Ends[p] > 0 {
			a.Starts[p] = random.Int64N(a.Ends[p])
			if err := cluster.DeleteRecords(ctx, name, p, a.Starts[p]); err != nil {
				return a, err
			}
		}
		if random.IntN(4) > 0 {
			a.Commits[p] = random.Int64N(70)
			commits[p] = a.Commits[p]
		}
	}
	if len(commits) == 0 {
		return a, nil
	}
	return a, cluster.Commit(ctx, name, name, commits)
}

// randomTrigger draws a valid combination of flags, as the port and as metadata.
func randomTrigger(random *rand.Rand) (*kedaport.Trigger, map[string]string) {
	flip := func() bool { return random.IntN(2) == 0 }
	k := &kedaport.Trigger{
		Earliest: flip(), ZeroOnInvalid: flip(), AllowIdle: flip(), Even: flip(), LimitToLagging: flip(),
		Threshold: 1 + random.Int64N(20), ActivationThreshold: random.Int64N(30),
	}
	if k.LimitToLagging {
		k.AllowIdle, k.Even = false, false
	}
	policy := "latest"
	if k.Earliest {
		policy = "earliest"
	}
	return k, map[string]string{
		"compatibility": "keda", "offsetResetPolicy": policy,
		"scaleToZeroOnInvalidOffset": strconv.FormatBool(k.ZeroOnInvalid), "allowIdleConsumers": strconv.FormatBool(k.AllowIdle),
		"ensureEvenDistributionOfPartitions": strconv.FormatBool(k.Even), "limitToPartitionsWithLag": strconv.FormatBool(k.LimitToLagging),
		"lagThreshold": strconv.FormatInt(k.Threshold, 10), "activationLagThreshold": strconv.FormatInt(k.ActivationThreshold, 10),
	}
}
