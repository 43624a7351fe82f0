package collector

import (
	"context"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// sweep reads everything in the scope once and publishes it. It returns how much
// had not been answered by then: each step waits for slow brokers for a grace only,
// and what they owe is taken in when it comes.
//
// The order matters. A log end is only ever compared with a commit that had been
// received before the log end was asked for, see [positions].
func (c *Collector) sweep(ctx context.Context, s *scope, timeout time.Duration) (late int) {
	c.locked(func() { s.began = c.tick() })
	w := &sweeping{ctx: ctx, c: c, scope: s, timeout: timeout}
	late += c.await(ctx, begin(w, c.list(s)), begin(w, c.describe(s)))
	c.awaitMatches(ctx, s)
	late += c.await(ctx, begin(w, c.commits(s)))
	c.await(ctx, begin(w, c.views(s)))
	// The commits may have told of topics. Where they have not, nothing is asked here.
	late += c.await(ctx, begin(w, c.list(s)), begin(w, c.describe(s)))
	late += c.await(ctx, begin(w, c.ends(s, lag.End)), begin(w, c.ends(s, lag.StableEnd)))
	late += c.await(ctx, begin(w, c.highWatermarks(s)))
	late += c.await(ctx, begin(w, c.starts(s)))
	c.await(ctx, begin(w, c.looks(s, lag.End)), begin(w, c.looks(s, lag.StableEnd)))
	c.await(ctx, begin(w, c.ages(s)))
	c.locked(c.publish)
	if c.push != nil {
		signal(c.push.rearm)
	}
	return late
}

// commits reads the commits of the scope's groups, but for those that an earlier call still owes.
func (c *Collector) commits(s *scope) step[lag.GroupTopics, lag.GroupCommits] {
	return step[lag.GroupTopics, lag.GroupCommits]{
		claim: func(id stamp) ([]lag.GroupTopics, int) {
			asks := c.claimGroups(s, id)
			return asks, len(asks)
		},
		ask: c.source.Commits,
		take: func(cl *call, answer *lag.GroupCommits) {
			c.noteAnswer(answer.Err)
			if c.takeCommits(*answer, cl.id, c.tick()) {
				cl.owed--
				c.noteLate(cl, answer.Group)
			}
		},
		miss: func(cl *call, ask lag.GroupTopics) {
			c.takeCommits(lag.GroupCommits{Group: ask.Group, Err: noAnswer("read the commits of group", ask.Group)}, cl.id, c.tick())
		},
	}
}

// claimGroups marks the groups as owed by the call and returns the requests. The caller holds mu.
func (c *Collector) claimGroups(s *scope, id stamp) []lag.GroupTopics {
	owed := 0
	for _, g := range s.groups {
		if g.pending != 0 {
			owed++
		}
	}
	asks := s.commits
	if owed > 0 {
		asks = make([]lag.GroupTopics, 0, len(s.commits)-owed)
	}
	for i, g := range s.groups {
		if g.pending != 0 {
			continue
		}
		g.pending, g.all = id, s.commits[i].Topics == nil
		if owed > 0 {
			asks = append(asks, s.commits[i])
		}
	}
	return asks
}
