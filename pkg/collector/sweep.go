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
	late += c.describe(ctx, s, timeout)
	c.awaitMatches(ctx, s)
	late += c.readCommits(ctx, s, timeout)
	c.viewGroups(ctx, s, timeout)
	// The commits may have told of topics. Where they have not, nothing is asked here.
	late += c.describe(ctx, s, timeout)
	late += c.readEnds(ctx, s, timeout)
	late += c.readHighWatermarks(ctx, s, timeout)
	late += c.readStarts(ctx, s, timeout)
	c.inspect(ctx, s, timeout)
	c.readAges(ctx, s, timeout)
	c.locked(c.publish)
	if c.push != nil {
		signal(c.push.rearm)
	}
	return late
}

// readCommits reads the commits of the scope's groups, but for those that an earlier call still owes.
func (c *Collector) readCommits(ctx context.Context, s *scope, timeout time.Duration) int {
	var id stamp
	var asks []lag.GroupTopics
	c.locked(func() {
		c.compose(s)
		id = c.tick()
		asks = c.claimGroups(s, id)
	})
	if len(asks) == 0 || ctx.Err() != nil {
		return 0
	}
	return c.await(ctx, c.start(ctx, timeout, id, len(asks), func(ctx context.Context, cl *call) {
		c.source.Commits(ctx, asks, func(answers []lag.GroupCommits) {
			c.inChunks(cl, len(answers), func(i int) {
				c.noteAnswer(answers[i].Err)
				if c.takeCommits(answers[i], id, c.tick()) {
					cl.owed--
					c.noteLate(cl, answers[i].Group)
				}
			})
		})
	}, func(cl *call) {
		if !c.owes(cl) {
			return
		}
		c.inChunks(cl, len(asks), func(i int) {
			failure := noAnswer("read the commits of group", asks[i].Group)
			c.takeCommits(lag.GroupCommits{Group: asks[i].Group, Err: failure}, id, c.tick())
		})
	}))
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
