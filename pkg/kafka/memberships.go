package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/guard"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Memberships asks the coordinators of groups for their members and what these have. deliver gets every group once, never
// from two goroutines at a time, as soon as it is known; why one is not is in its Err, a *fault.Error. A group that does
// not exist has no members, and the state [StateDead].
func (c *Client) Memberships(ctx context.Context, groups []lag.Group, deliver func([]*lag.Membership)) {
	var mu sync.Mutex // held while deliver runs
	guard.InParallel(c.guard, "read members", c.cfg.MaxConnectionsPerBroker, groups, func(g lag.Group) {
		readAt := time.Now()
		d, err := c.DescribeGroup(ctx, g.Name)
		m := membership(g.Name, &d, err, readAt)
		mu.Lock()
		defer mu.Unlock()
		deliver([]*lag.Membership{m})
	})
}

// membership is a description, or why there is none, asked for at a time.
func membership(group string, d *GroupDescription, err error, readAt time.Time) *lag.Membership {
	g := lag.Group{Name: group, Kind: d.Kind, State: d.State, Members: len(d.Members), Err: err}
	if err != nil {
		g.Members = -1
		return lag.NewMembership(g, nil, 0, readAt)
	}
	members := make([]lag.Member, len(d.Members))
	for i := range d.Members {
		m := &d.Members[i]
		members[i] = lag.Member{ID: m.MemberID, Assigned: m.Assignments, Subscribed: m.Subscribed, SubscriptionKnown: m.SubscriptionKnown}
	}
	return lag.NewMembership(g, members, 0, readAt)
}
