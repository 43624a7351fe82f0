package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/guard"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// OffsetFetch takes many groups from version 8 on (Kafka 3.0); 10 names topics
// by ids, which we do not need. Before 2 it cannot ask for all partitions.
var (
	offsetFetchManyVersions = transport.Between(8, 9)
	offsetFetchOneVersions  = transport.Between(2, 7)
)

// fetchUnstable reads commits whether or not they are stable. What is not answered is left out.
func (c *Client) fetchUnstable(ctx context.Context, on *transport.Broker, groups []lag.GroupTopics) (commits []lag.GroupCommits) {
	f := newOffsetFetch(groups, false, c.turn.Of(ctx), func(some []lag.GroupCommits) { commits = append(commits, cloneCommits(some)...) })
	if _, err := c.ask(ctx, on, f, offsetFetchManyVersions); err != nil {
		return nil
	}
	return commits
}

// cloneCommits copies commits so that they can be kept.
func cloneCommits(groups []lag.GroupCommits) []lag.GroupCommits {
	groups = slices.Clone(groups)
	for i := range groups {
		groups[i].Commits = slices.Clone(groups[i].Commits)
	}
	return groups
}

func isUnstable(commits []lag.Commit) bool {
	return slices.ContainsFunc(commits, func(c lag.Commit) bool { return c.Err != nil && errors.Is(c.Err, wire.Code(wire.UnstableOffsetCommit)) })
}

// settle replaces the commits that are not stable, those of consumers with an
// open transaction that commits offsets, by the ones that count until it ends.
// Where these cannot be read, the commit stays unknown.
func settle(commits []lag.GroupCommits, fetch func(unstable []lag.GroupTopics) []lag.GroupCommits) {
	unstable := map[string]map[lag.TopicPartition]*lag.Commit{}
	var asks []lag.GroupTopics
	for i := range commits {
		g := &commits[i]
		ask := lag.GroupTopics{Group: g.Group}
		for j := range g.Commits {
			c := &g.Commits[j]
			if !errors.Is(c.Err, wire.Code(wire.UnstableOffsetCommit)) {
				continue
			}
			if unstable[g.Group] == nil {
				unstable[g.Group] = map[lag.TopicPartition]*lag.Commit{}
			}
			unstable[g.Group][c.TopicPartition] = c
			ask.Topics = append(ask.Topics, lag.TopicPartitions{Topic: c.Topic, Partitions: []int32{c.Partition}})
		}
		if ask.Topics != nil {
			ask.Topics = distinct(ask.Topics)
			asks = append(asks, ask)
		}
	}
	if len(asks) == 0 {
		return
	}
	for _, g := range fetch(asks) {
		for _, c := range g.Commits {
			if was := unstable[g.Group][c.TopicPartition]; was != nil {
				*was = c
			}
		}
	}
}

// fetchEach is fetch for a broker older than 3.0: one request a group.
func (r *commitsRead) fetchEach(ctx context.Context, p portion[lag.GroupTopics]) []rejected[lag.GroupTopics] {
	c := r.client
	var mu sync.Mutex
	refused := rejects[lag.GroupTopics]{on: p.broker}
	guard.InParallel(c.guard, r.what, c.cfg.MaxConnectionsPerBroker, p.items, func(g lag.GroupTopics) {
		commits, err := c.fetchOne(ctx, p.broker, g, true)
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			refused.add(err, g)
			return
		}
		settle(commits, func(unstable []lag.GroupTopics) []lag.GroupCommits {
			settled, err := c.fetchOne(ctx, p.broker, unstable[0], false)
			if err != nil {
				return nil
			}
			return settled
		})
		r.hand(commits)
	})
	return refused.all
}

// fetchOne reads the commits of one group, from brokers older than 3.0.
func (c *Client) fetchOne(ctx context.Context, on *transport.Broker, g lag.GroupTopics, stable bool) ([]lag.GroupCommits, error) {
	resp, err := c.ask(ctx, on, offsetFetchOne(g, stable), offsetFetchOneVersions)
	if err != nil {
		return nil, err
	}
	answer := resp.(*kmsg.OffsetFetchResponse)
	absent := answer.ErrorCode == wire.GroupIDNotFound
	if answer.ErrorCode != 0 && !absent {
		return nil, wire.Code(answer.ErrorCode)
	}
	return []lag.GroupCommits{groupCommits(g, fetchedOne(answer), absent, time.Now())}, nil
}

func offsetFetchMany(groups []lag.GroupTopics, stable bool) *kmsg.OffsetFetchRequest {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.RequireStable = stable
	req.Groups = make([]kmsg.OffsetFetchRequestGroup, len(groups))
	n := 0
	for i := range groups {
		n += len(groups[i].Topics)
	}
	topics := make([]kmsg.OffsetFetchRequestGroupTopic, n)
	for i, g := range groups {
		req.Groups[i] = kmsg.NewOffsetFetchRequestGroup()
		req.Groups[i].Group = g.Group
		if g.Topics == nil {
			continue // null: all
		}
		req.Groups[i].Topics, topics = topics[:len(g.Topics):len(g.Topics)], topics[len(g.Topics):]
		for j, t := range g.Topics {
			req.Groups[i].Topics[j].Topic = t.Topic
			req.Groups[i].Topics[j].Partitions = t.Partitions
		}
	}
	return req
}

func offsetFetchOne(g lag.GroupTopics, stable bool) kmsg.Request {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.RequireStable = stable
	req.Group = g.Group
	if g.Topics == nil {
		return req // null: all
	}
	req.Topics = make([]kmsg.OffsetFetchRequestTopic, len(g.Topics))
	for i, t := range g.Topics {
		req.Topics[i].Topic = t.Topic
		req.Topics[i].Partitions = t.Partitions
	}
	return req
}

// fetchedOffset is a partition's part of either form of the answer.
type fetchedOffset struct {
	topic     string
	partition int32
	offset    int64
	epoch     int32
	code      int16
}

func fetchedOne(answer *kmsg.OffsetFetchResponse) []fetchedOffset {
	var all []fetchedOffset
	for i := range answer.Topics {
		for _, p := range answer.Topics[i].Partitions {
			all = append(all, fetchedOffset{answer.Topics[i].Topic, p.Partition, p.Offset, p.LeaderEpoch, p.ErrorCode})
		}
	}
	return all
}

// groupCommits turns an answer into commits. absent is a group that the broker
// does not know: nothing is committed then.
func groupCommits(g lag.GroupTopics, answer []fetchedOffset, absent bool, readAt time.Time) lag.GroupCommits {
	out := lag.GroupCommits{Group: g.Group, ReadAt: readAt, Commits: make([]lag.Commit, 0, len(answer))}
	list := newChecklist(g.Topics)
	for _, o := range answer {
		tp, first := list.tick(o.topic, o.partition)
		if g.Topics == nil {
			tp, first = lag.TopicPartition{Topic: strings.Clone(o.topic), Partition: o.partition}, true
		}
		if first {
			out.Commits = append(out.Commits, commit(g.Group, tp, o))
		}
	}
	list.missing(func(tp lag.TopicPartition) {
		c := lag.Commit{TopicPartition: tp, Offset: lag.NoCommit, LeaderEpoch: lag.NoLeaderEpoch}
		if !absent {
			c.Err = leftOut(g.Group, tp)
		}
		out.Commits = append(out.Commits, c)
	})
	return out
}

func commit(group string, tp lag.TopicPartition, o fetchedOffset) lag.Commit {
	c := lag.Commit{TopicPartition: tp, Offset: lag.NoCommit, LeaderEpoch: lag.NoLeaderEpoch}
	switch {
	case o.code != 0:
		c.Err = codeFailure("read the committed offset of", commitObject(group, tp), o.code)
	case o.offset >= 0:
		c.Offset, c.LeaderEpoch = o.offset, max(o.epoch, lag.NoLeaderEpoch)
	}
	return c
}

func commitObject(group string, tp lag.TopicPartition) string {
	return fmt.Sprintf("group %q for topic %q partition %d", group, tp.Topic, tp.Partition)
}
