package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// describedAtOnce is how many groups one request asks about. Answers with all their members are large, and held.
const describedAtOnce = 50

// Memberships asks the coordinators of groups for their members and what these have, many groups in a request. Where the
// kind of a group is known it spares one: each protocol has a call of its own, and a wrong kind does no harm. deliver gets
// every group once, never from two goroutines at a time, as soon as it is known; why one is not is in its Err, a
// *fault.Error. A group that does not exist has no members, and the state [StateDead].
func (c *Client) Memberships(ctx context.Context, groups []lag.Group, deliver func([]*lag.Membership)) {
	classic := make(map[string]bool, len(groups))
	items := make([]lag.GroupTopics, 0, len(groups))
	for _, g := range groups {
		if _, twice := classic[g.Name]; twice {
			continue
		}
		classic[g.Name] = g.Kind == lag.KindClassic || g.Kind == lag.KindSimple
		items = append(items, lag.GroupTopics{Group: g.Name})
	}
	f := &fanout[lag.GroupTopics, *lag.Membership]{client: c, what: "read members", owners: byCoordinator{c}, deliver: deliver}
	f.ask = func(ctx context.Context, p portion[lag.GroupTopics]) []rejected[lag.GroupTopics] {
		refused := rejects[lag.GroupTopics]{on: p.broker}
		for chunk := range slices.Chunk(groupNames(p.items), describedAtOnce) {
			read := membershipRead{broker: p.broker, readAt: time.Now(), found: map[string]groupAnswer{}}
			read.describe(ctx, chunk, classic)
			f.hand(read.answers(chunk, &refused))
		}
		return refused.all
	}
	f.failed = func(r rejected[lag.GroupTopics]) []*lag.Membership {
		var failed []*lag.Membership
		for _, g := range r.items {
			object := fmt.Sprintf("group %q", g.Group)
			if r.on != nil {
				object += " on " + r.on.Name()
			}
			failed = append(failed, lag.NewMembership(lag.Group{Name: g.Group, Members: -1, Err: failure("read the members of", object, r.err)}, nil, 0, time.Now()))
		}
		return failed
	}
	f.run(ctx, items)
}

// membershipRead asks one coordinator about some groups.
type membershipRead struct {
	broker *transport.Broker
	readAt time.Time
	found  map[string]groupAnswer
}

// describe asks about the groups by the protocol that each is taken for, and then by the other where it is unknown in that.
func (r *membershipRead) describe(ctx context.Context, groups []string, classic map[string]bool) {
	var first, then []string
	for _, g := range groups {
		if classic[g] {
			first = append(first, g)
		} else {
			then = append(then, g)
		}
	}
	r.ask(ctx, describeClassics, first)
	for _, g := range first {
		// It may have turned into one of the new protocol, of which the old call makes one without members.
		if d := r.found[g]; d.err == nil && len(d.Members) == 0 {
			then = append(then, g)
		}
	}
	var last []string
	for _, g := range r.ask(ctx, describeConsumers, then) {
		if !classic[g] {
			last = append(last, g)
		}
	}
	for _, g := range r.ask(ctx, describeClassics, last) {
		r.found[g] = groupAnswer{GroupDescription: describeShare(ctx, r.broker, g, r.found[g].GroupDescription)}
	}
}

// ask takes in what is said about the groups, and returns those that the call knows nothing of.
func (r *membershipRead) ask(ctx context.Context, call func(context.Context, *transport.Broker, []string) (map[string]groupAnswer, error), groups []string) (unknown []string) {
	if len(groups) == 0 {
		return nil
	}
	found, err := call(ctx, r.broker, groups)
	_, old := errors.AsType[*transport.VersionError](err)
	if err != nil && !old && len(groups) > 1 && ctx.Err() == nil {
		// One group with more members than an answer may have must not be the end of the others.
		for _, g := range groups {
			unknown = append(unknown, r.ask(ctx, call, []string{g})...)
		}
		return unknown
	}
	for _, g := range groups {
		d, told := found[g]
		switch {
		case old:
			unknown = append(unknown, g)
			continue
		case err != nil:
			d.err = err
		case !told:
			d.err = errLeftOut
		case errors.Is(d.err, wire.Code(wire.GroupIDNotFound)), d.err == nil && d.State == StateDead:
			unknown = append(unknown, g)
			if _, known := r.found[g]; known {
				continue
			}
			d = groupAnswer{GroupDescription: GroupDescription{State: StateDead}}
		}
		r.found[g] = d
	}
	return unknown
}

// answers are the memberships; what was refused is added to the rest.
func (r *membershipRead) answers(groups []string, refused *rejects[lag.GroupTopics]) []*lag.Membership {
	var all []*lag.Membership
	for _, g := range groups {
		d := r.found[g]
		if d.err != nil {
			refused.add(d.err, lag.GroupTopics{Group: g})
			continue
		}
		members := make([]lag.Member, len(d.Members))
		for i := range d.Members {
			m := &d.Members[i]
			members[i] = lag.Member{ID: m.MemberID, Assigned: m.Assignments, Subscribed: m.Subscribed, SubscriptionKnown: m.SubscriptionKnown}
		}
		all = append(all, lag.NewMembership(lag.Group{Name: g, Kind: d.Kind, State: d.State, Members: len(members)}, members, 0, r.readAt))
	}
	return all
}
