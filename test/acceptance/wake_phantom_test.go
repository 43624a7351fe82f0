//go:build realkafka

package acceptance

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestWhatIsNoRecordDoesNotWake: transactions that are aborted, and the markers of those that are committed, have
// offsets like records. A workload that sleeps until there is work sleeps on, and a record behind them wakes it.
func TestWhatIsNoRecordDoesNotWake(t *testing.T) {
	t.Parallel()
	p := serve(t, "")
	for name, c := range map[string]struct {
		topic, isolation string
		before, steps    []string
	}{
		"aborted transactions":           {"no-record-aborted", "read_committed", []string{"commit 0"}, []string{"aborted 5", "aborted 1"}},
		"more than a wait shows of them": {"no-record-large", "read_committed", []string{"commit 0"}, []string{"large-aborted 5"}},
		"the marker of a committed one":  {"no-record-marker", "read_uncommitted", []string{"begin A 3", "commit 3"}, []string{"commits A"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := scene(t)
			s := setStage(ctx, t, c.topic, nil)
			for _, step := range c.before {
				s.do(ctx, t, step)
			}
			stream := openStream(ctx, t, p, metadataOn(s.topic, s.topic, map[string]string{"isolationLevel": c.isolation, "lagThreshold": "10"}))
			// By then the group counts as one that stands still, and is waited on.
			quiet(ctx, t, stream, 12*time.Second)
			for _, step := range c.steps {
				if step == "large-aborted 5" {
					s.abortLarge(ctx, t, 5)
				} else {
					s.do(ctx, t, step)
				}
				quiet(ctx, t, stream, 4*time.Second)
			}
			s.do(ctx, t, "produce 1")
			select {
			case e := <-stream.said:
				if !e.active {
					t.Error("the stream said false")
				}
			case <-time.After(20 * time.Second):
				t.Error("the record did not wake")
			}
		})
	}
}

// abortLarge aborts a transaction of records of 20 KB each.
func (s *stage) abortLarge(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Bootstrap()...), kgo.TransactionalID(s.topic+"-large"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	defer client.Close()
	must(t, client.BeginTransaction())
	for range n {
		r := &kgo.Record{Topic: s.topic, Value: make([]byte, 20<<10)}
		_, _ = rand.Read(r.Value)
		must(t, client.ProduceSync(ctx, r).FirstErr())
	}
	must(t, client.EndTransaction(ctx, kgo.TryAbort))
	s.end += int64(n) + 1
}

// quiet fails the test if the stream says anything within so long.
func quiet(ctx context.Context, t *testing.T, s *sleeper, d time.Duration) {
	t.Helper()
	select {
	case e := <-s.said:
		t.Fatalf("the stream said %v although nothing is there to be consumed", e.active)
	case err := <-s.ended:
		t.Fatal(err)
	case <-time.After(d):
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
}
