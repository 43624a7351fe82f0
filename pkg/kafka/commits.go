package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Commits reads the groups' committed offsets: one request a coordinator, all
// coordinators at once, where the broker is 3.0 or newer, and one a group where
// it is older. Groups whose coordinator has moved or is gone are looked up again
// and asked for once more, within ctx. deliver gets every group once, never from
// two goroutines at a time, as soon as its coordinator has answered or failed;
// errors are *fault.Error. It must keep no Commits, whose memory is used again.
//
// A group that does not exist has no commits, which is no error: Kafka does not
// tell the two apart. Asked for all partitions (nil Topics), Kafka also leaves out,
// without a word, those of topics that the principal may not describe; partitions
// that are named get an error instead. Offsets that a transaction has not committed yet are not
// waited for; what is read is the last offset that counts.
func (c *Client) Commits(ctx context.Context, groups []lag.GroupTopics, deliver func([]lag.GroupCommits)) {
	r := &commitsRead{fanout[lag.GroupTopics, lag.GroupCommits]{client: c, what: "read commits", owners: byCoordinator{c}, deliver: deliver}}
	r.ask, r.failed = r.fetch, commitsFailed
	asked := make([]lag.GroupTopics, len(groups))
	for i, g := range groups {
		asked[i] = g
		if g.Topics != nil {
			asked[i].Topics = distinct(g.Topics)
		}
	}
	r.run(ctx, asked)
}

// commitsRead is one call of Commits.
type commitsRead struct {
	fanout[lag.GroupTopics, lag.GroupCommits]
}

// commitsFailed has an error for each of the groups.
func commitsFailed(r rejected[lag.GroupTopics]) []lag.GroupCommits {
	commits := make([]lag.GroupCommits, 0, len(r.items))
	for _, g := range r.items {
		object := fmt.Sprintf("group %q", g.Group)
		if r.on != nil {
			object += " on " + r.on.Name()
		}
		commits = append(commits, lag.GroupCommits{Group: g.Group, ReadAt: time.Now(), Err: failure("read the committed offsets of", object, r.err)})
	}
	return commits
}

// fetch reads the commits of groups from their coordinator, and hands them on as they come.
//
// A request for what is stable (7 and newer) is answered after all that was
// committed before it. One that is not may be answered by a new coordinator, in
// the second after the old one was lost, as if the newest commits had never been
// made: a group's only commit is then missing, without an error (seen on 4.3.1).
func (r *commitsRead) fetch(ctx context.Context, p portion[lag.GroupTopics]) []rejected[lag.GroupTopics] {
	c := r.client
	// aside are the groups that take another request.
	var aside []lag.GroupCommits
	f := newOffsetFetch(p.items, true, c.turn.Of(ctx), func(some []lag.GroupCommits) {
		now := time.Now()
		r.hand(slices.DeleteFunc(some, func(g lag.GroupCommits) bool {
			more := isUnstable(g.Commits) || c.shares.mayBe(&g, now)
			if more {
				g.Commits = slices.Clone(g.Commits)
				aside = append(aside, g)
			}
			return more
		}))
	})
	f.refused.on = p.broker
	_, err := c.ask(ctx, p.broker, f, offsetFetchManyVersions)
	if _, old := errors.AsType[*transport.VersionError](err); old {
		return r.fetchEach(ctx, p)
	}
	switch {
	case err != nil:
		f.refused.add(err, f.unanswered(aside)...)
	default:
		if left := f.unanswered(nil); len(left) > 0 {
			f.refused.add(errLeftOut, left...)
		}
		settle(aside, func(unstable []lag.GroupTopics) []lag.GroupCommits { return c.fetchUnstable(ctx, p.broker, unstable) })
		c.shares.read(ctx, p.broker, f.asked(aside), aside)
		r.hand(aside)
	}
	return f.refused.all
}
