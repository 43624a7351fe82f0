package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// coordinatorWait is how long a coordinator that is only starting is given
// before it is asked the second and last time.
const coordinatorWait = 100 * time.Millisecond

// Commits reads the groups' committed offsets: one request a coordinator, all
// coordinators at once, where the broker is 3.0 or newer, and one a group where
// it is older. Groups whose coordinator has moved or is gone are looked up anew
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
	r := &commitsRead{c: c, deliver: deliver}
	ctx, end, err := c.begin(ctx)
	if err != nil {
		r.fail(groups, nil, err)
		return
	}
	defer end()
	asked := make([]lag.GroupTopics, len(groups))
	for i, g := range groups {
		asked[i] = g
		if g.Topics != nil {
			asked[i].Topics = distinct(g.Topics)
		}
	}
	r.round(ctx, asked, true)
	r.asking.Wait()
}

// commitsRead is one call of Commits.
type commitsRead struct {
	c       *Client
	asking  sync.WaitGroup
	mu      sync.Mutex // held while deliver runs
	deliver func([]lag.GroupCommits)
}

// round asks the coordinators of groups, those that are remembered at once, the
// others when they are found.
func (r *commitsRead) round(ctx context.Context, groups []lag.GroupTopics, again bool) {
	unknown := r.send(ctx, groups, again)
	if len(unknown) == 0 {
		return
	}
	r.c.guard.Start(&r.asking, "read commits", func() {
		errs := r.c.findCoordinators(ctx, groupNames(unknown))
		var failed causes
		var found []lag.GroupTopics
		for _, g := range unknown {
			if err := errs[g.Group]; err != nil {
				failed.add(g, err)
				continue
			}
			found = append(found, g)
		}
		for _, f := range failed.all {
			r.rejected(ctx, f.groups, nil, f.err, again)
		}
		// Where a coordinator was forgotten again in the meantime, there is no third try.
		r.fail(r.send(ctx, found, again), nil, wire.Code(wire.NotCoordinator))
	})
}

// send asks the coordinators that are remembered, and returns the groups without one.
func (r *commitsRead) send(ctx context.Context, groups []lag.GroupTopics, again bool) (unknown []lag.GroupTopics) {
	byCoordinator := map[coordinator][]lag.GroupTopics{}
	now := time.Now()
	turn := r.c.turn.Of(ctx)
	turn.Begin()
	for i, g := range groups {
		if i%commitsAtOnce == 0 {
			turn.Pause()
		}
		if at, ok := r.c.coordinators.get(g.Group, now); ok {
			byCoordinator[at] = append(byCoordinator[at], g)
		} else {
			unknown = append(unknown, g)
		}
	}
	turn.End()
	for at, groups := range byCoordinator {
		b := r.c.coordinatorBroker(at)
		for _, chunk := range r.c.chunkGroups(groups) {
			r.c.guard.Start(&r.asking, "read commits", func() { r.ask(ctx, b, chunk, again) })
		}
	}
	return unknown
}

// rejected asks for groups again, or fails them.
func (r *commitsRead) rejected(ctx context.Context, groups []lag.GroupTopics, on *transport.Broker, err error, again bool) {
	if recoordinate(err) {
		r.c.coordinators.drop(groupNames(groups)...)
	}
	if !again || !recoordinate(err) || ctx.Err() != nil {
		r.fail(groups, on, err)
		return
	}
	r.c.guard.Start(&r.asking, "read commits", func() {
		if starting(err) && !sleep(ctx, transport.Jitter(2*coordinatorWait)) {
			r.fail(groups, on, err)
			return
		}
		r.round(ctx, groups, false)
	})
}

// starting tells whether the coordinator is where it was said to be, only not ready yet.
func starting(err error) bool {
	return errors.Is(err, wire.Code(wire.CoordinatorLoadInProgress)) || errors.Is(err, wire.Code(wire.CoordinatorNotAvailable))
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// causes gathers groups that failed for the same reason, to be asked for together again.
type causes struct {
	all []cause
}

type cause struct {
	err    error
	groups []lag.GroupTopics
}

func (c *causes) add(g lag.GroupTopics, err error) {
	for i := range c.all {
		if sameCause(c.all[i].err, err) {
			c.all[i].groups = append(c.all[i].groups, g)
			return
		}
	}
	c.all = append(c.all, cause{err, []lag.GroupTopics{g}})
}

// sameCause tells whether two failures are the same error code or both none.
func sameCause(a, b error) bool {
	var codeA, codeB wire.Code
	isA, isB := errors.As(a, &codeA), errors.As(b, &codeB)
	return isA == isB && codeA == codeB && recoordinate(a) == recoordinate(b)
}

func (r *commitsRead) fail(groups []lag.GroupTopics, on *transport.Broker, err error) {
	commits := make([]lag.GroupCommits, 0, len(groups))
	for _, g := range groups {
		object := fmt.Sprintf("group %q", g.Group)
		if on != nil {
			object += " on " + on.Name()
		}
		commits = append(commits, lag.GroupCommits{Group: g.Group, ReadAt: time.Now(), Err: failure("read the committed offsets of", object, err)})
	}
	r.hand(commits)
}

func (r *commitsRead) hand(commits []lag.GroupCommits) {
	if len(commits) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deliver(commits)
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
