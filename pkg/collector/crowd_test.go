package collector

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// TestCrowd lets many callers ask and wait while topics come, grow, shrink to new
// ones and go, groups commit, brokers dawdle and queries leave. It looks for races,
// panics and snapshots that are not well formed; what the numbers are is for the other tests.
func TestCrowd(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) { crowd(t, seed) })
	}
}

func crowd(t *testing.T, seed uint64) {
	k := newCluster(3)
	luck := rand.New(rand.NewPCG(seed, 0))
	k.behave = func(api, int) (d time.Duration, err error) {
		k.with(func() {
			d = time.Duration(luck.Int64N(int64(time.Second)) * luck.Int64N(3))
			if luck.IntN(10) == 0 {
				err = errDown
			}
		})
		return d, err
	}
	c := start(t, k, Options{IdleAfter: 3 * time.Second, TopicsInterval: time.Second})
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	topics, groups := []string{"a", "b", "c", "d"}, []string{"x", "y", "z"}
	var all sync.WaitGroup
	all.Go(func() {
		r := rand.New(rand.NewPCG(seed, 1))
		for pace.Sleep(ctx, time.Duration(r.IntN(300))*time.Millisecond) {
			name := topics[r.IntN(len(topics))]
			switch r.IntN(4) {
			case 0:
				k.with(func() { delete(k.topics, name) })
			case 1:
				k.commit(groups[r.IntN(len(groups))], name, make([]int64, r.IntN(5))...)
			default:
				k.topic(name, byte(r.IntN(3)), make([]int64, 1+r.IntN(6))...)
			}
		}
	})
	for i := range uint64(30) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, 2+i))
			var seen Version
			for pace.Sleep(ctx, time.Duration(r.IntN(2000))*time.Millisecond) {
				s := trigger.Selection{ConsumerGroup: groups[r.IntN(len(groups))], ReadCommitted: r.IntN(4) == 0}
				switch r.IntN(4) {
				case 0:
					s.TopicRegex = "[ab]"
				case 1:
					s.AllTopicsWithoutCommit = r.IntN(2) == 0
				default:
					s.Topics = topics[r.IntN(2) : 2+r.IntN(3)]
				}
				ask := func() (*Snapshot, error) { return c.Snapshot(ctx, NewQuery(s, time.Second)) }
				if r.IntN(2) == 0 {
					ask = func() (_ *Snapshot, err error) {
						q := NewQuery(s, time.Second)
						if seen, err = c.Wait(ctx, q, seen); err != nil {
							return nil, err
						}
						return c.Snapshot(ctx, q)
					}
				}
				if got, err := ask(); err == nil {
					wellFormed(t, got)
				}
			}
		})
	}
	all.Wait()
}

func wellFormed(t *testing.T, s *Snapshot) {
	t.Helper()
	// Stamps that are given at one moment lie some nanoseconds behind it.
	oldest := time.Now().Add(time.Second)
	for _, o := range s.Offsets {
		if o.ObservedAt.Before(oldest) {
			oldest = o.ObservedAt
		}
		if known := !o.ObservedAt.IsZero(); known != (o.LogEnd != lag.Unknown) || !known && o.Err == nil {
			t.Errorf("%+v is half known, or unknown without a reason", o)
		}
	}
	if len(s.Offsets) > 0 && !s.ObservedAt.Equal(oldest) {
		t.Errorf("observed at %s, want the oldest, %s", s.ObservedAt, oldest)
	}
	if len(s.Offsets) == 0 && s.Err == nil {
		t.Error("a snapshot of nothing without a reason")
	}
	if !slices.IsSortedFunc(s.Offsets, func(a, b lag.Offsets) int {
		if order := strings.Compare(a.Topic, b.Topic); order != 0 {
			return order
		}
		return int(a.Partition - b.Partition)
	}) {
		t.Errorf("not sorted: %s", text(s))
	}
}
