package collector

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// history is what truly happened in a cluster in which groups commit and
// producers produce: for each partition, its log end and commit from a moment on.
type history map[lag.TopicPartition][]moment

type moment struct {
	at             time.Time
	committed, end int64
}

func (h history) record(k *cluster, group string) {
	k.with(func() {
		for name, topic := range k.topics {
			for i, end := range topic.ends {
				tp := lag.TopicPartition{Topic: name, Partition: int32(i)}
				h[tp] = append(h[tp], moment{time.Now(), k.groups[group][tp], end})
			}
		}
	})
}

// at returns what was true at a moment.
func (h history) at(tp lag.TopicPartition, at time.Time) moment {
	var m moment
	for _, next := range h[tp] {
		if next.at.After(at) {
			break
		}
		m = next
	}
	return m
}

// TestNoHistoryMakesLagDisappear drives a collector through random delays and
// failures of brokers while groups consume what is produced at once, so that a log
// end that is older than the commit beside it would show at once as a lag too low.
func TestNoHistoryMakesLagDisappear(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		brokers := rapid.IntRange(1, 4).Draw(rt, "brokers")
		slow := rapid.IntRange(0, 60).Draw(rt, "percent of slow answers")
		fail := rapid.IntRange(0, 40).Draw(rt, "percent of failures")
		grace := rapid.SampledFrom([]time.Duration{10, 100, 250, 900}).Draw(rt, "grace") * time.Millisecond
		longest := rapid.SampledFrom([]time.Duration{50, 300, 1000, 4000}).Draw(rt, "longest delay") * time.Millisecond
		waits := rapid.Bool().Draw(rt, "records are waited for")
		var wrong string
		synctest.Test(t, func(*testing.T) {
			wrong = live(seed, brokers, slow, fail, grace, longest, waits)
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// live runs one history of 30 s and returns the first thing that is wrong with what the collector says.
func live(seed uint64, brokers, slow, fail int, grace, longest time.Duration, waits bool) (wrong string) {
	k := newWaitingCluster(brokers)
	k.topic("orders", 1, 5, 5, 5, 5, 5).commit("billing", "orders", 5, 5, 5, 5, 5)
	// Two, because the brokers draw from one under the cluster's lock and the history from the other.
	r, luck := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	k.behave = func(api, int) (d time.Duration, err error) {
		k.with(func() {
			d = time.Duration(luck.IntN(5)) * time.Millisecond
			if luck.IntN(100) < slow {
				d = time.Duration(luck.Int64N(int64(longest)))
			}
			if luck.IntN(100) < fail {
				err = errDown
			}
		})
		return d, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := New(k, Options{Grace: grace, LongPolls: waits})
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	defer func() { cancel(); running.Wait() }()
	// A stream that never becomes active, so that everything is always waited on.
	never := stream{threshold: 1 << 60}
	running.Go(func() { never.run(ctx, c, query("billing", "orders")) })

	truth := history{}
	truth.record(k.cluster, "billing")
	known := map[lag.TopicPartition]bool{}
	for range 300 {
		time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
		synctest.Wait()
		k.change(func() {
			p := r.IntN(5)
			tp := lag.TopicPartition{Topic: "orders", Partition: int32(p)}
			k.topics["orders"].ends[p] += r.Int64N(10)
			k.groups["billing"][tp] = k.topics["orders"].ends[p] - r.Int64N(2)*min(3, k.topics["orders"].ends[p]-k.groups["billing"][tp])
		})
		truth.record(k.cluster, "billing")
		s, err := c.Snapshot(ctx, query("billing", "orders"))
		if err != nil {
			if len(known) > 0 {
				return fmt.Sprintf("known partitions have vanished: %v", err)
			}
			continue
		}
		if wrong := judge(s, truth, known); wrong != "" {
			return wrong
		}
	}
	return ""
}

// judge returns what is wrong with a snapshot.
func judge(s *Snapshot, truth history, known map[lag.TopicPartition]bool) string {
	for _, o := range s.Offsets {
		if o.ObservedAt.IsZero() {
			if known[o.TopicPartition] {
				return fmt.Sprintf("%s was known and is not any more", o.TopicPartition)
			}
			continue
		}
		known[o.TopicPartition] = true
		// In the test's time, a read and a change can happen at the same moment, in either order.
		then := truth.at(o.TopicPartition, o.ObservedAt.Add(-time.Microsecond))
		switch {
		case o.LogEnd < o.Committed:
			return fmt.Sprintf("%s: log end %d was read before commit %d", o.TopicPartition, o.LogEnd, o.Committed)
		case o.Committed < then.committed || o.LogEnd < then.end:
			return fmt.Sprintf("%s: commit %d and log end %d are older than %s, when they were %d and %d",
				o.TopicPartition, o.Committed, o.LogEnd, o.ObservedAt, then.committed, then.end)
		}
	}
	for tp := range known {
		found := false
		for _, o := range s.Offsets {
			found = found || o.TopicPartition == tp
		}
		if !found {
			return fmt.Sprintf("%s has vanished", tp)
		}
	}
	return ""
}
