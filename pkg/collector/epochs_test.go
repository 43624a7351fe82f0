package collector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

var orders0 = lag.TopicPartition{Topic: "orders"}

// led is a cluster with one partition: a commit of one leader epoch, a log end told in another, and a third that
// descriptions name.
func led(end, committed int64, commit, answering, described int32) *cluster {
	k := newCluster(1).topic("orders", 1, end).commit("billing", "orders", committed)
	k.with(func() {
		k.topics["orders"].answering, k.topics["orders"].leaders = []int32{answering}, []int32{described}
		k.epochs = map[lag.TopicPartition]int32{orders0: commit}
	})
	return k
}

// first returns the one partition's offsets, whatever is wrong.
func first(t *testing.T, c *Collector) lag.Offsets {
	t.Helper()
	s, err := c.Snapshot(t.Context(), query("billing", "orders"))
	if err != nil {
		t.Fatalf("Snapshot: %v", err)
	}
	return s.Offsets[0]
}

func details(o lag.Offsets) string {
	return fmt.Sprintf("%s %d/%d/%d, of an earlier log: %v, err: %v", o.TopicPartition, o.Committed, o.LogStart, o.LogEnd, o.CommitOfEarlierLog, o.Err)
}

func wantStale(t *testing.T, o lag.Offsets) {
	t.Helper()
	if fault.KindOf(o.Err) != fault.Unavailable || !strings.Contains(o.Err.Error(), "the broker that answered is not the leader any more") {
		t.Errorf("Err = %v, want that the leader is stale", o.Err)
	}
}

// TestStaleLeaderIsNoAnswer: a broker that was replaced tells an end from before the records that were consumed since.
// 4,000 records of lag became 0 at the first answer.
func TestStaleLeaderIsNoAnswer(t *testing.T) {
	t.Run("at first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := led(1000, 1000, 6, 5, 6)
			c := start(t, k, Options{})
			o := first(t, c)
			wantStale(t, o)
			if !o.ObservedAt.IsZero() {
				t.Errorf("%s: an end of a stale leader is an answer", details(o))
			}
			k.with(func() { k.topics["orders"].ends[0], k.topics["orders"].answering = 5000, []int32{6} })
			pass(2 * time.Second)
			wantText(t, snapshot(t, c, query("billing", "orders")), "orders-0 1000/0/5000")
		})
	})
	t.Run("later", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			// The description does not know of the new leader at first either.
			k := led(1500, 1000, 5, 5, 5)
			c := start(t, k, Options{})
			first(t, c)
			pass(100 * time.Millisecond)
			k.with(func() {
				k.groups["billing"][orders0], k.epochs[orders0] = 1500, 6
			})
			asked := time.Now()
			pass(1500 * time.Millisecond)
			k.with(func() { k.topics["orders"].leaders = []int32{6} })
			pass(5 * time.Second)
			o := first(t, c)
			wantStale(t, o)
			if o.Committed != 1000 || o.LogEnd != 1500 || o.ObservedAt.After(asked) {
				t.Errorf("%d of %d at %v, want the last known good, of before %v", o.Committed, o.LogEnd, o.ObservedAt, asked)
			}
			k.with(func() { k.topics["orders"].ends[0], k.topics["orders"].answering = 5500, []int32{6} })
			pass(2 * time.Second)
			wantText(t, snapshot(t, c, query("billing", "orders")), "orders-0 1500/0/5500")
		})
	})
	t.Run("older than the end before", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := led(5000, 1000, 6, 6, 6)
			c := start(t, k, Options{})
			first(t, c)
			k.with(func() { k.topics["orders"].ends[0], k.topics["orders"].answering = 1000, []int32{5} })
			pass(5 * time.Second)
			o := first(t, c)
			wantStale(t, o)
			if o.LogEnd != 5000 {
				t.Errorf("log end %d, want the last known good", o.LogEnd)
			}
		})
	})
}

// TestUnknownEpochsCompareWithNothing: consumers and brokers that do not tell are as before.
func TestUnknownEpochsCompareWithNothing(t *testing.T) {
	for name, k := range map[string]*cluster{
		"of the commit": led(50, 40, lag.NoLeaderEpoch, 5, 6), "of the end": led(50, 40, 6, lag.NoLeaderEpoch, 6), "equal": led(50, 40, 6, 6, 6),
	} {
		if name == "of the commit" {
			k.topics["orders"].leaders = []int32{5}
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if o := first(t, start(t, k, Options{})); o.Err != nil || o.LogEnd != 50 || o.CommitOfEarlierLog {
					t.Error(details(o))
				}
			})
		})
	}
	t.Run("of the topic", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := led(50, 40, 6, 5, 0)
			k.topics["orders"].leaders = nil
			if o := first(t, start(t, k, Options{})); o.Err != nil || o.LogEnd != 50 {
				t.Error(details(o))
			}
		})
	})
}

// TestCommitOfAnEarlierLog: a topic that was restored, or created again, begins with epoch 0, for good. Two
// descriptions say so, and then the commit counts as none.
func TestCommitOfAnEarlierLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := led(900, 600, 7, 0, 0)
		c := start(t, k, Options{})
		o := first(t, c)
		if !o.CommitOfEarlierLog || o.Committed != 600 || o.LogStart != 0 || o.LogEnd != 900 || o.Err != nil {
			t.Fatalf("%s, want a commit of an earlier log at the first answer", details(o))
		}
		// It stays that when the leaders of the new log come to the same epoch.
		k.with(func() { k.topics["orders"].leaders, k.topics["orders"].answering = []int32{9}, []int32{9} })
		pass(20 * time.Second)
		if o = first(t, c); !o.CommitOfEarlierLog || o.Err != nil {
			t.Errorf("%s, want that it stays one", details(o))
		}
		k.with(func() { k.groups["billing"][orders0], k.epochs[orders0] = 700, 9 })
		pass(2 * time.Second)
		if o = first(t, c); o.CommitOfEarlierLog || o.Committed != 700 || o.Err != nil {
			t.Errorf("%s, want the new commit", details(o))
		}
	})
}

// TestLogRestoredWhileItIsRead: ends of older epochs are refused until two descriptions say that there is no newer one.
func TestLogRestoredWhileItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := led(900, 600, 7, 7, 7)
		c := start(t, k, Options{})
		first(t, c)
		k.with(func() {
			k.topics["orders"].ends[0] = 1200 // not shorter
			k.topics["orders"].leaders, k.topics["orders"].answering = []int32{1}, []int32{1}
		})
		pass(1100 * time.Millisecond)
		if o := first(t, c); o.LogEnd != 900 {
			t.Errorf("%s, want the last known good", details(o))
		}
		pass(4 * time.Second)
		if o := first(t, c); o.LogEnd != 1200 || !o.CommitOfEarlierLog || o.Err != nil {
			t.Errorf("%s, want the new log", details(o))
		}
	})
}

// TestForgedEpochHurtsItsOwnGroup: whoever may commit may name any epoch.
func TestForgedEpochHurtsItsOwnGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 50, 50).commit("billing", "orders", 40).commit("forger", "orders", -1, 40)
		k.with(func() {
			k.topics["orders"].answering, k.topics["orders"].leaders = []int32{3, 3}, []int32{3, 3}
			k.epochs = map[lag.TopicPartition]int32{{Topic: "orders", Partition: 1}: 1 << 30}
		})
		c := start(t, k, Options{})
		snapshot(t, c, query("forger", "orders"))
		for i := range int64(30) {
			k.with(func() { k.groups["forger"][lag.TopicPartition{Topic: "orders", Partition: 1}] = i })
			pass(time.Second)
			s := snapshot(t, c, query("billing", "orders"))
			if s.Offsets[0].Err != nil || s.Offsets[1].Err != nil || time.Since(s.ObservedAt) > 2*time.Second {
				t.Fatalf("%s: %v", text(s), errors.Join(s.Offsets[0].Err, s.Offsets[1].Err))
			}
		}
	})
}

// TestShareGroupLeftOut: a share group's answer has all partitions that it shares. One that is missing is not one
// without a commit, which would count 1, or 0 with scaleToZeroOnInvalidOffset.
func TestShareGroupLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 100, 100).commit("billing", "orders", 10, 10)
		k.with(func() { k.share = map[string]bool{"billing": true} })
		c := start(t, k, Options{})
		q := selecting(trigger.Selection{ConsumerGroup: "billing"})
		wantText(t, snapshot(t, c, q), "orders-0 10/0/100, orders-1 10/0/100")
		k.commit("billing", "orders", 10, -1)
		pass(3 * time.Second)
		wantText(t, snapshot(t, c, q), "orders-0 10/0/100, orders-1 10/0/100 failing")
		k.commit("billing", "orders", -1, -1)
		pass(3 * time.Second)
		s := snapshot(t, c, q)
		wantText(t, s, "orders-0 10/0/100 failing, orders-1 10/0/100 failing")
		if err := s.Offsets[0].Err; err == nil || !strings.Contains(err.Error(), "the coordinator's answer leaves it out") {
			t.Errorf("Err = %v", err)
		}
	})
}

// TestTopicCreatedAgainUnderAGroup: its coordinator tells the old commits for a while, and they are not compared with
// the new log as if they were of it.
func TestTopicCreatedAgainUnderAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 100).commit("billing", "orders", 10)
		c := start(t, k, Options{})
		q := query("billing", "orders")
		wantText(t, snapshot(t, c, q), "orders-0 10/0/100")
		k.topic("orders", 2, 10, 10, 10)
		began := time.Now()
		for time.Since(began) < 15*time.Second {
			pass(500 * time.Millisecond)
			s, err := c.Snapshot(t.Context(), q)
			if err != nil {
				continue
			}
			for _, o := range s.Offsets {
				if o.Partition == 0 && o.LogEnd == 10 && !o.CommitOfEarlierLog {
					t.Fatalf("after %v: %s counts 0", time.Since(began), details(o))
				}
			}
		}
		if o := snapshot(t, c, q).Offsets[0]; !o.CommitOfEarlierLog || o.Err != nil {
			t.Errorf("%s, want a commit of an earlier log", details(o))
		}
		k.commit("billing", "orders", 4)
		pass(2 * time.Second)
		wantText(t, snapshot(t, c, q), "orders-0 4/0/10, orders-1 -1/0/10, orders-2 -1/0/10")
	})
}

// slowCommits delivers commits when it is let, and else after 100 ms.
type slowCommits struct {
	*cluster
	mu   sync.Mutex
	hold chan struct{}
}

func (s *slowCommits) Commits(ctx context.Context, groups []lag.GroupTopics, deliver func([]lag.GroupCommits)) {
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	s.cluster.Commits(ctx, groups, func(answers []lag.GroupCommits) {
		if hold != nil {
			<-hold
		} else {
			pace.Sleep(ctx, 100*time.Millisecond)
		}
		deliver(answers)
	})
}

// TestCommitOnItsWayWhenTheTopicIsCreatedAgain is of the earlier topic: an answer compared one with an end of the new
// one, which had more partitions.
func TestCommitOnItsWayWhenTheTopicIsCreatedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &slowCommits{cluster: newCluster(1).topic("orders", 1, 100).commit("billing", "orders", 10)}
		c := start(t, k, Options{TopicsInterval: time.Second})
		q := query("billing", "orders")
		snapshot(t, c, q)
		// Its commits are asked for, and the answer, which is another one than before, is late.
		hold := make(chan struct{})
		k.mu.Lock()
		k.hold = hold
		k.mu.Unlock()
		k.commit("billing", "orders", 40)
		pass(1100 * time.Millisecond)
		k.mu.Lock()
		k.hold = nil
		k.mu.Unlock()
		// It comes while those of another group are waited for, between the description of the new topic and its ends.
		go func() { _, _ = c.Snapshot(t.Context(), query("other", "orders")) }()
		pass(time.Second)
		k.topic("orders", 2, 45, 45)
		k.commit("billing", "orders", -1)
		for described := k.count(metadata); k.count(metadata) == described; {
			pass(10 * time.Millisecond)
		}
		close(hold)
		for range 20 {
			pass(100 * time.Millisecond)
			s, err := c.Snapshot(t.Context(), q)
			if err != nil {
				continue
			}
			if o := s.Offsets[0]; o.Committed == 40 && o.LogEnd == 45 {
				t.Fatalf("%s: a commit of the old topic, an end of the new one", text(s))
			}
		}
		pass(2 * time.Second)
		wantText(t, snapshot(t, c, q), "orders-0 -1/0/45, orders-1 -1/0/45")
	})
}

// TestFewerPartitionsOnce: one answer that lists fewer of them, of a broker without topic ids, takes nothing away.
func TestFewerPartitionsOnce(t *testing.T) {
	for _, id := range []byte{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			k := newCluster(1).topic("orders", id, 100, 100).commit("billing", "orders", 10, 10)
			c := start(t, k, Options{TopicsInterval: 5 * time.Second})
			q := query("billing", "orders")
			snapshot(t, c, q)
			for range 4 {
				described := k.count(metadata)
				k.with(func() {
					o := k.topics["orders"]
					k.topics["orders"] = &fakeTopic{id: o.id, starts: o.starts[:1], ends: o.ends[:1], stable: o.stable[:1]}
				})
				for k.count(metadata) == described {
					pass(50 * time.Millisecond)
				}
				k.topic("orders", id, 100, 100)
				pass(2500 * time.Millisecond)
				wantText(t, snapshot(t, c, q), "orders-0 10/0/100, orders-1 10/0/100")
			}
		})
	}
}
