package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// OffsetFetch takes many groups from version 8 on (Kafka 3.0); 10 names topics
// by ids, which we do not need. Before 2 it cannot ask for all partitions.
//
// RequireStable (7 and newer) stays false, as in KEDA: with it, an open
// transaction of the consumer hides the offset that is committed.
var (
	offsetFetchManyVersions = span{8, 9}
	offsetFetchOneVersions  = span{2, 7}
)

// ask reads the commits of groups from their coordinator.
func (r *commitsRead) ask(ctx context.Context, on *broker, groups []lag.GroupTopics, again bool) {
	resp, err := on.request(ctx, offsetFetchMany(groups), offsetFetchManyVersions)
	var version *versionError
	switch {
	case errors.As(err, &version):
		r.askEach(ctx, on, groups, again)
		return
	case err != nil:
		r.rejected(ctx, groups, on, err, again)
		return
	}
	readAt := time.Now()
	answers := map[string]*kmsg.OffsetFetchResponseGroup{}
	answer := resp.(*kmsg.OffsetFetchResponse)
	for i := range answer.Groups {
		answers[answer.Groups[i].Group] = &answer.Groups[i]
	}
	commits := make([]lag.GroupCommits, 0, len(groups))
	var refused causes
	for _, g := range groups {
		got := answers[g.Group]
		switch {
		case got == nil:
			refused.add(g, errLeftOut)
		case got.ErrorCode != 0 && got.ErrorCode != groupIDNotFound:
			refused.add(g, Code(got.ErrorCode))
		default:
			commits = append(commits, groupCommits(g, fetched(got), got.ErrorCode == groupIDNotFound, readAt))
		}
	}
	r.hand(commits)
	for _, f := range refused.all {
		r.rejected(ctx, f.groups, on, f.err, again)
	}
}

// askEach is ask for a broker older than 3.0: one request a group.
func (r *commitsRead) askEach(ctx context.Context, on *broker, groups []lag.GroupTopics, again bool) {
	var mu sync.Mutex
	var refused causes
	inParallel(r.c.cfg.MaxConnectionsPerBroker, groups, func(g lag.GroupTopics) {
		if err := r.askOne(ctx, on, g); err != nil {
			mu.Lock()
			defer mu.Unlock()
			refused.add(g, err)
		}
	})
	for _, f := range refused.all {
		r.rejected(ctx, f.groups, on, f.err, again)
	}
}

func (r *commitsRead) askOne(ctx context.Context, on *broker, g lag.GroupTopics) error {
	resp, err := on.request(ctx, offsetFetchOne(g), offsetFetchOneVersions)
	if err != nil {
		return err
	}
	answer := resp.(*kmsg.OffsetFetchResponse)
	absent := answer.ErrorCode == groupIDNotFound
	if answer.ErrorCode != 0 && !absent {
		return Code(answer.ErrorCode)
	}
	r.hand([]lag.GroupCommits{groupCommits(g, fetchedOne(answer), absent, time.Now())})
	return nil
}

func offsetFetchMany(groups []lag.GroupTopics) kmsg.Request {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Groups = make([]kmsg.OffsetFetchRequestGroup, len(groups))
	for i, g := range groups {
		req.Groups[i] = kmsg.NewOffsetFetchRequestGroup()
		req.Groups[i].Group = g.Group
		if g.Topics == nil {
			continue // null: all
		}
		req.Groups[i].Topics = make([]kmsg.OffsetFetchRequestGroupTopic, len(g.Topics))
		for j, t := range g.Topics {
			req.Groups[i].Topics[j].Topic = t.Topic
			req.Groups[i].Topics[j].Partitions = t.Partitions
		}
	}
	return req
}

func offsetFetchOne(g lag.GroupTopics) kmsg.Request {
	req := kmsg.NewPtrOffsetFetchRequest()
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
	code      int16
}

func fetched(g *kmsg.OffsetFetchResponseGroup) []fetchedOffset {
	n := 0
	for i := range g.Topics {
		n += len(g.Topics[i].Partitions)
	}
	all := make([]fetchedOffset, 0, n)
	for i := range g.Topics {
		for _, p := range g.Topics[i].Partitions {
			all = append(all, fetchedOffset{g.Topics[i].Topic, p.Partition, p.Offset, p.ErrorCode})
		}
	}
	return all
}

func fetchedOne(answer *kmsg.OffsetFetchResponse) []fetchedOffset {
	var all []fetchedOffset
	for i := range answer.Topics {
		for _, p := range answer.Topics[i].Partitions {
			all = append(all, fetchedOffset{answer.Topics[i].Topic, p.Partition, p.Offset, p.ErrorCode})
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
		c := lag.Commit{TopicPartition: tp, Offset: lag.NoCommit}
		if !absent {
			// Asked for by name and not answered: brokers do so where the principal may not describe the topic.
			c.Err = failure("read the committed offset of", commitObject(g.Group, tp), fmt.Errorf("%w, as if without permission on the topic: %w",
				errLeftOut, Code(29)))
		}
		out.Commits = append(out.Commits, c)
	})
	return out
}

func commit(group string, tp lag.TopicPartition, o fetchedOffset) lag.Commit {
	c := lag.Commit{TopicPartition: tp, Offset: o.offset}
	switch {
	case o.code != 0:
		c.Offset = lag.NoCommit
		c.Err = codeFailure("read the committed offset of", commitObject(group, tp), o.code)
	case o.offset < 0:
		c.Offset = lag.NoCommit
	}
	return c
}

func commitObject(group string, tp lag.TopicPartition) string {
	return fmt.Sprintf("group %q for topic %q partition %d", group, tp.Topic, tp.Partition)
}
