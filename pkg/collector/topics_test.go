package collector

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func selecting(s trigger.Selection) *Query { return NewQuery(s, 10*time.Second) }

func TestQueriesThatCannotBeAnswered(t *testing.T) {
	tests := []struct {
		name  string
		query trigger.Selection
		kind  fault.Kind
		says  string
	}{
		{"topic does not exist", trigger.Selection{ConsumerGroup: "billing", Topics: []string{"typo"}}, fault.NotFound, "typo"},
		{"no topic matches", trigger.Selection{ConsumerGroup: "billing", TopicRegex: "order"}, fault.NotFound, `topicRegex "order"`},
		{"group without commits", trigger.Selection{ConsumerGroup: "nobody"}, fault.Precondition, "name the topic with `topic`"},
		{
			"no such partition",
			trigger.Selection{
				ConsumerGroup: "billing", Topics: []string{"orders"},
				Partitions: trigger.NewPartitionSet(trigger.PartitionRange{First: 7, Last: 7}),
			},
			fault.Precondition, "partitionLimitation",
		},
		{
			"no partition",
			trigger.Selection{ConsumerGroup: "billing", Topics: []string{"orders"}, Partitions: trigger.PartitionSet{}},
			fault.Precondition, `topic "orders"`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 1)
				c := start(t, k, Options{})
				for range 3 {
					_, err := c.Snapshot(context.Background(), selecting(test.query))
					if fault.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.says) {
						t.Fatalf("Snapshot = %v, want %s that says %q", err, test.kind, test.says)
					}
					pass(time.Second)
				}
			})
		})
	}
}

func TestOneMissingTopicDoesNotHideTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 1)
		c := start(t, k, Options{})
		s := snapshot(t, c, query("billing", "orders", "typo"))
		wantText(t, s, "orders-0 1/0/10")
		if fault.KindOf(s.Err) != fault.NotFound {
			t.Errorf("Err = %v, want the missing topic", s.Err)
		}
		k.topic("typo", 2, 5)
		pass(2 * time.Second)
		if s = snapshot(t, c, query("billing", "orders", "typo")); s.Err != nil {
			t.Errorf("after the topic was made: %v", s.Err)
		}
		wantText(t, s, "orders-0 1/0/10, typo-0 -1/0/5")
	})
}

func TestPartitionsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10, 20, 30).topic("mails", 2, 40, 50).commit("billing", "orders", 1, 2, 3).commit("billing", "mails", 4, 5)
		c := start(t, k, Options{})
		q := selecting(trigger.Selection{
			ConsumerGroup: "billing", Topics: []string{"orders", "mails"}, Partitions: trigger.NewPartitionSet(trigger.PartitionRange{First: 1, Last: 2}, trigger.PartitionRange{First: 9, Last: 9}),
		})
		wantText(t, snapshot(t, c, q), "mails-1 5/0/50, orders-1 2/0/20, orders-2 3/0/30")
	})
}

func TestTopicGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(2).topic("orders", 1, 10).commit("billing", "orders", 1)
		c := start(t, k, Options{})
		q := query("billing", "orders")
		snapshot(t, c, q)
		k.topic("orders", 1, 10, 20)
		pass(DefaultTopicsInterval + 2*time.Second)
		wantText(t, snapshot(t, c, q), "orders-0 1/0/10, orders-1 -1/0/20")
	})
}

func TestTopicRecreated(t *testing.T) {
	tests := []struct {
		name string
		id   byte
	}{{"with topic ids", 2}, {"without", 0}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newCluster(2).topic("orders", min(test.id, 1), 100, 100).commit("billing", "orders", 40, 40)
				k.with(func() { k.topics["orders"].starts = []int64{30, 30} })
				c := start(t, k, Options{})
				q := query("billing", "orders")
				wantText(t, snapshot(t, c, q), "orders-0 40/30/100, orders-1 40/30/100")
				k.topic("orders", test.id, 3)
				k.commit("billing", "orders", 1, -1)
				// With a smaller log end, or an unknown partition, the topic is looked at in the refresh after.
				pass(3 * time.Second)
				wantText(t, snapshot(t, c, q), "orders-0 1/0/3")
			})
		})
	}
}

func TestTopicTruncated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 0, 100).commit("billing", "orders", 40)
		k.with(func() { k.topics["orders"].starts = []int64{30} })
		c := start(t, k, Options{})
		q := query("billing", "orders")
		snapshot(t, c, q)
		k.topic("orders", 0, 5)
		pass(time.Second)
		// The log start of before would lie beyond the log end.
		wantText(t, snapshot(t, c, q), "orders-0 40/0/5")
	})
}

func TestTopicDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		k := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 1)
		c := start(t, k, Options{Logger: zap.New(core), Cluster: "main"})
		q := query("billing", "orders")
		snapshot(t, c, q)
		k.with(func() { delete(k.topics, "orders") })
		pass(5 * time.Second)
		if s := snapshot(t, c, q); s.Err != nil {
			t.Errorf("after 5 s: %v, want the last known good while it is younger than 10 s", s.Err)
		}
		pass(8 * time.Second)
		if s, err := c.Snapshot(context.Background(), q); fault.KindOf(err) != fault.NotFound {
			t.Errorf("after 13 s: %v, %v, want not found", s, err)
		}
		pass(time.Minute)
		k.topic("orders", 2, 3)
		k.commit("billing", "orders", 2)
		pass(2 * time.Second)
		wantText(t, snapshot(t, c, q), "orders-0 2/0/3")
		var lines []string
		for _, entry := range logs.All() {
			lines = append(lines, entry.Message)
		}
		if got, want := strings.Join(lines, "\n"), "topic cannot be read\ntopic can be read again"; got != want {
			t.Errorf("log:\n%s\nwant:\n%s", got, want)
		}
	})
}

func TestOneFlakyMetadataAnswerChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1).topic("orders", 1, 10).topic("mails", 2, 5).commit("billing", "orders", 1).commit("billing", "mails", 1)
		c := start(t, k, Options{})
		queries := []*Query{
			query("billing", "mails", "orders"),
			selecting(trigger.Selection{ConsumerGroup: "billing"}),
			selecting(trigger.Selection{ConsumerGroup: "billing", TopicRegex: "orders|mails"}),
		}
		for range 40 {
			for _, q := range queries {
				s := snapshot(t, c, q)
				wantText(t, s, "mails-0 1/0/5, orders-0 1/0/10")
				if s.Err != nil || time.Since(s.ObservedAt) > 2*time.Second {
					t.Errorf("err %v, age %s", s.Err, time.Since(s.ObservedAt))
				}
			}
			// One refresh in which a broker knows nothing of the topic.
			var orders *fakeTopic
			k.with(func() { orders = k.topics["orders"]; delete(k.topics, "orders") })
			pass(time.Second)
			k.with(func() { k.topics["orders"] = orders })
			pass(1500 * time.Millisecond)
		}
	})
}

func TestDiscoveryFollowsTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(2).topic("orders", 1, 10, 20).topic("mails", 2, 5).topic("other", 3, 9).commit("billing", "orders", 1)
		c := start(t, k, Options{})
		q := selecting(trigger.Selection{ConsumerGroup: "billing"})
		wantText(t, snapshot(t, c, q), "orders-0 1/0/10, orders-1 -1/0/20")
		k.commit("billing", "mails", 5)
		pass(time.Second)
		wantText(t, snapshot(t, c, q), "mails-0 5/-1/5, orders-0 1/0/10, orders-1 -1/0/20")
		// Commits expire while the group sleeps; its topics are remembered.
		k.commit("billing", "mails", -1)
		k.commit("billing", "orders", -1)
		pass(2 * time.Second)
		wantText(t, snapshot(t, c, q), "mails-0 -1/0/5, orders-0 -1/0/10, orders-1 -1/0/20")
		// A topic that is deleted leaves, once that is certain.
		k.with(func() { delete(k.topics, "orders") })
		pass(30 * time.Second)
		s := snapshot(t, c, q)
		wantText(t, s, "mails-0 -1/0/5")
		if s.Err != nil {
			t.Errorf("Err = %v: nobody named the topic that is gone", s.Err)
		}
	})
}

func TestDiscoveryAndNamedTopicOfOneGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(2).topic("orders", 1, 10).topic("mails", 2, 5).commit("billing", "orders", 1)
		c := start(t, k, Options{})
		wantText(t, snapshot(t, c, query("billing", "mails")), "mails-0 -1/0/5")
		wantText(t, snapshot(t, c, selecting(trigger.Selection{ConsumerGroup: "billing"})), "orders-0 1/0/10")
		k.commit("billing", "orders", 2)
		pass(2 * time.Second)
		wantText(t, snapshot(t, c, query("billing", "mails")), "mails-0 -1/0/5")
		wantText(t, snapshot(t, c, selecting(trigger.Selection{ConsumerGroup: "billing"})), "orders-0 2/0/10")
	})
}

func TestAllTopicsWithoutCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(2).topic("orders", 1, 10).topic("__consumer_offsets", 2, 5)
		c := start(t, k, Options{})
		q := selecting(trigger.Selection{ConsumerGroup: "billing", AllTopicsWithoutCommit: true})
		// As KEDA does, with Kafka's own topics.
		wantText(t, snapshot(t, c, q), "__consumer_offsets-0 -1/0/5, orders-0 -1/0/10")
		k.commit("billing", "orders", 3)
		pass(2 * time.Second)
		wantText(t, snapshot(t, c, q), "orders-0 3/0/10")
	})
}

func TestRegexFollowsTheCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(2).topic("orders-eu", 1, 10).topic("orders-us", 2, 20).topic("old-orders-eu", 3, 5).commit("billing", "orders-eu", 1)
		c := start(t, k, Options{})
		q := selecting(trigger.Selection{ConsumerGroup: "billing", TopicRegex: "orders-(eu|us|jp)"})
		wantText(t, snapshot(t, c, q), "orders-eu-0 1/0/10, orders-us-0 -1/0/20")
		before := k.count(metadata)
		snapshot(t, c, selecting(trigger.Selection{ConsumerGroup: "billing", TopicRegex: "old-.*"}))
		if n := k.count(metadata) - before; n > 0 {
			t.Errorf("%d more lists of all topics for a second expression", n)
		}
		k.topic("orders-jp", 4, 30)
		pass(DefaultTopicsInterval + 2*time.Second)
		wantText(t, snapshot(t, c, q), "orders-eu-0 1/0/10, orders-jp-0 -1/0/30, orders-us-0 -1/0/20")
		k.with(func() { delete(k.topics, "orders-us") })
		pass(40 * time.Second)
		wantText(t, snapshot(t, c, q), "orders-eu-0 1/0/10, orders-jp-0 -1/0/30")
	})
}

// TestRegexThatMatchesTooMuch: thousands of topics are not read because of a slip in an expression.
func TestRegexThatMatchesTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCluster(1)
		for i := range store.MaxMatchedTopics {
			k.topic(fmt.Sprintf("topic-%d", i), byte(i), 1)
		}
		c := start(t, k, Options{})
		q := selecting(trigger.Selection{ConsumerGroup: "billing", TopicRegex: ".*"})
		if s := snapshot(t, c, q); len(s.Offsets) != store.MaxMatchedTopics || s.Err != nil {
			t.Errorf("%d partitions, %v: so many may match", len(s.Offsets), s.Err)
		}
		k.topic("one-more", 1, 1)
		pass(DefaultTopicsInterval + 2*time.Second)
		s, err := c.Snapshot(t.Context(), q)
		if s != nil || fault.KindOf(err) != fault.Precondition || !strings.Contains(err.Error(), "1001 topics match") {
			t.Errorf("%v, %v: want an error that tells how many match", s, err)
		}
		before := k.total(listOffsets)
		pass(10 * time.Second)
		if n := k.total(listOffsets) - before; n > 0 {
			t.Errorf("%d reads of topics that do not count", n)
		}
		k.with(func() { delete(k.topics, "one-more") })
		pass(DefaultTopicsInterval + 2*time.Second)
		if s := snapshot(t, c, q); len(s.Offsets) != store.MaxMatchedTopics {
			t.Errorf("%d partitions once fewer match again", len(s.Offsets))
		}
	})
}

// deniedGroup refuses one group.
type deniedGroup struct{ *cluster }

func (d deniedGroup) Commits(ctx context.Context, groups []lag.GroupTopics, deliver func([]lag.GroupCommits)) {
	d.cluster.Commits(ctx, groups, func(answers []lag.GroupCommits) {
		for i := range answers {
			answers[i].Commits, answers[i].Err = nil, &fault.Error{Kind: fault.Denied, Op: "read", Object: "group " + answers[i].Group}
		}
		deliver(answers)
	})
}

func TestGroupDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, deniedGroup{newCluster(1).topic("orders", 1, 10)}, Options{})
		s := snapshot(t, c, query("billing", "orders"))
		if fault.KindOf(s.Err) != fault.Denied || fault.KindOf(s.Offsets[0].Err) != fault.Denied {
			t.Errorf("Err = %v, %v, want denied", s.Err, s.Offsets[0].Err)
		}
		if _, err := c.Snapshot(context.Background(), selecting(trigger.Selection{ConsumerGroup: "billing"})); fault.KindOf(err) != fault.Denied {
			t.Errorf("discovery: %v, want denied", err)
		}
	})
}

func TestOutageIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		k := newCluster(1).topic("orders", 1, 10).commit("billing", "orders", 1)
		var down atomic.Bool
		k.behave = func(api, int) (time.Duration, error) {
			if down.Load() {
				return 0, errDown
			}
			return 0, nil
		}
		c := start(t, k, Options{Logger: zap.New(core)})
		snapshot(t, c, query("billing", "orders"))
		for range 2 {
			down.Store(true)
			pass(time.Minute)
			down.Store(false)
			pass(time.Minute)
		}
		want := map[string]int{
			"cluster cannot be read; its last known offsets count until they are too old": 2, "cluster can be read again": 2,
			// That no broker answers is nothing to be said once a topic.
			"topic cannot be read": 0,
		}
		for message, n := range want {
			if got := logs.FilterMessage(message).Len(); got != n {
				t.Errorf("%q is logged %d times in two outages, want %d", message, got, n)
			}
		}
	})
}
