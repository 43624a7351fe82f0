package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// coordinatorWait is how long a coordinator that is only starting is given
// before it is asked the second and last time.
const coordinatorWait = 100 * time.Millisecond

// byCoordinator are the coordinators of groups as owners.
type byCoordinator struct{ *Client }

// sort implements owners. Coordinators that are remembered are asked at once, the others when they are found.
func (o byCoordinator) sort(ctx context.Context, groups []lag.GroupTopics, ask func(portion[lag.GroupTopics])) []rejected[lag.GroupTopics] {
	unknown := o.sortKnown(ctx, groups, ask)
	if len(unknown) == 0 {
		return nil
	}
	errs := o.findCoordinators(ctx, groupNames(unknown))
	var lost rejects[lag.GroupTopics]
	found := slices.DeleteFunc(unknown, func(g lag.GroupTopics) bool {
		err := errs[g.Group]
		if err != nil {
			lost.add(err, g)
		}
		return err != nil
	})
	if forgotten := o.sortKnown(ctx, found, ask); len(forgotten) > 0 {
		lost.add(wire.Code(wire.NotCoordinator), forgotten...)
	}
	return lost.all
}

// sortKnown sorts the groups whose coordinator is remembered, and returns the others.
func (o byCoordinator) sortKnown(ctx context.Context, groups []lag.GroupTopics, ask func(portion[lag.GroupTopics])) (unknown []lag.GroupTopics) {
	known := map[coordinator][]lag.GroupTopics{}
	now := time.Now()
	turn := o.turn.Of(ctx)
	turn.Begin()
	for i, g := range groups {
		if i%commitsAtOnce == 0 {
			turn.Pause()
		}
		if at, ok := o.coordinators.get(g.Group, now); ok {
			known[at] = append(known[at], g)
		} else {
			unknown = append(unknown, g)
		}
	}
	turn.End()
	for at, groups := range known {
		broker := o.coordinatorBroker(at)
		for _, chunk := range o.chunkGroups(groups) {
			ask(portion[lag.GroupTopics]{broker: broker, items: chunk})
		}
	}
	return unknown
}

// moved implements owners.
func (byCoordinator) moved(err error) bool {
	if code, ok := errors.AsType[wire.Code](err); ok {
		switch int16(code) {
		case wire.CoordinatorLoadInProgress, wire.CoordinatorNotAvailable, wire.NotCoordinator:
			return true
		}
		return false
	}
	_, broken := errors.AsType[*transport.ConnError](err)
	return broken || errors.Is(err, errDropped)
}

// forget implements owners.
func (o byCoordinator) forget(groups []lag.GroupTopics) { o.coordinators.drop(groupNames(groups)...) }

// renew implements owners: it gives a coordinator that is where it was said to be, and only not ready yet, some time.
func (byCoordinator) renew(ctx context.Context, moved []rejected[lag.GroupTopics], _ time.Time) (again []lag.GroupTopics, lost []rejected[lag.GroupTopics]) {
	starting := slices.ContainsFunc(moved, func(r rejected[lag.GroupTopics]) bool {
		return errors.Is(r.err, wire.Code(wire.CoordinatorLoadInProgress)) || errors.Is(r.err, wire.Code(wire.CoordinatorNotAvailable))
	})
	if starting && !pace.Sleep(ctx, transport.Jitter(2*coordinatorWait)) {
		return nil, moved
	}
	return itemsOf(moved), nil
}

// chunkGroups splits groups into what one request may hold; a group is never
// split, and never twice in one request.
func (c *Client) chunkGroups(groups []lag.GroupTopics) [][]lag.GroupTopics {
	var out [][]lag.GroupTopics
	// start is where the present chunk begins.
	start, partitions, bytes := 0, 0, 0
	inCurrent := make(map[string]bool, min(len(groups), c.cfg.MaxGroupsPerRequest))
	for i, g := range groups {
		n := count(g.Topics)
		size := len(g.Group) + 20 + 4*n
		for _, t := range g.Topics {
			size += len(t.Topic) + 8
		}
		full := i-start == c.cfg.MaxGroupsPerRequest || partitions+n > c.cfg.MaxPartitionsPerRequest || bytes+size > maxRequestBytes
		if i > start && (full || inCurrent[g.Group]) {
			out = append(out, groups[start:i:i])
			start, partitions, bytes = i, 0, 0
			clear(inCurrent)
		}
		inCurrent[g.Group] = true
		partitions += n
		bytes += size
	}
	if start < len(groups) {
		out = append(out, groups[start:])
	}
	return out
}

func groupNames(groups []lag.GroupTopics) []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Group
	}
	return unique(names)
}
