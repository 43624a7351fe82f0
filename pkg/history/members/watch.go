// Package members reads who the members of consumer groups are, of those groups that somebody follows: the triggers with
// targetLatency.
package members

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/history"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Source reads groups; pkg/kafka's Client is one.
type Source interface {
	// Memberships asks the groups' coordinators, and delivers each group once, failures included, never from two goroutines
	// at a time. Only Name of a group must be set; Kind spares a request where it is known.
	Memberships(ctx context.Context, groups []lag.Group, deliver func([]*lag.Membership))
}

const (
	// Interval is the time from one reading of all groups to the next.
	Interval = 5 * time.Second
	// callTimeout bounds one reading.
	callTimeout = 10 * time.Second
	// mostBytes bounds what the members of all groups together may take in memory. Whoever may join groups says how much
	// that is.
	mostBytes = 32 << 20
	// gather is for how long new groups are waited for, so that many of them are read together.
	gather = 100 * time.Millisecond
)

// Options are what a [Watch] can be given.
type Options struct {
	// Panicked is told of every panic, and of what it ended. It may be nil.
	Panicked func(where string)
}

// Watch reads the members of one cluster's groups. Its methods may be called from any goroutine.
type Watch struct {
	source Source
	opts   Options
	wake   chan struct{}

	mu     sync.Mutex
	groups map[string]*group
	// bytes is what the memberships of all groups take.
	bytes int
}

// group is one that somebody follows. The mutex of the watch guards it.
type group struct {
	followers int
	// newest is what was read last, or the last good one as long as that is young enough; nil for nothing yet.
	newest *lag.Membership
	// bytes is what it takes.
	bytes int
}

// New returns a watch that reads nothing before [Watch.Run].
func New(source Source, o Options) *Watch {
	if o.Panicked == nil {
		o.Panicked = func(string) {}
	}
	return &Watch{source: source, opts: o, wake: make(chan struct{}, 1), groups: map[string]*group{}}
}

// Follower has a group read for as long as it is not closed.
type Follower struct {
	watch *Watch
	name  string
	once  sync.Once
}

// Follow begins to read a group.
func (w *Watch) Follow(name string) *Follower {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.groups[name]
	if g == nil {
		g = &group{}
		w.groups[name] = g
	}
	g.followers++
	if g.newest == nil {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	return &Follower{watch: w, name: name}
}

// Membership returns what is known of the group; nil where it has not been read yet. It may be old: it says when it was
// read. What follows from that is for [history.History.Observe] to say.
func (f *Follower) Membership() *lag.Membership {
	f.watch.mu.Lock()
	defer f.watch.mu.Unlock()
	if g := f.watch.groups[f.name]; g != nil {
		return g.newest
	}
	return nil
}

// Close ends the following.
func (f *Follower) Close() {
	f.once.Do(func() {
		f.watch.mu.Lock()
		defer f.watch.mu.Unlock()
		g := f.watch.groups[f.name]
		if g.followers--; g.followers == 0 {
			delete(f.watch.groups, f.name)
			f.watch.bytes -= g.bytes
		}
	})
}

// Run reads until ctx ends: all groups every [Interval], and new ones at once. It must be called once.
func (w *Watch) Run(ctx context.Context) {
	tick := time.NewTicker(Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.read(ctx, w.followed(false))
		case <-w.wake:
			if pace.Sleep(ctx, gather) {
				w.read(ctx, w.followed(true))
			}
		}
	}
}

// followed are the groups that are followed, or only those that have not been read yet, by name.
func (w *Watch) followed(unread bool) []lag.Group {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []lag.Group
	for name, g := range w.groups {
		asked := lag.Group{Name: name}
		if g.newest != nil {
			if unread {
				continue
			}
			asked.Kind = g.newest.Kind
		}
		list = append(list, asked)
	}
	slices.SortFunc(list, func(a, b lag.Group) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return list
}

func (w *Watch) read(ctx context.Context, groups []lag.Group) {
	if len(groups) == 0 {
		return
	}
	well := false
	defer func() {
		if well {
			return
		}
		_ = recover()
		w.opts.Panicked("members of groups")
		for _, g := range groups {
			w.take(lag.NewMembership(lag.Group{Name: g.Name, Members: -1, Err: &fault.Error{
				Kind: fault.Internal, Op: "read", Object: "the members of a group", Err: errors.New("a defect of kafka-scaler: it panicked"), Remedy: "report it",
			}}, nil, 0, time.Now()))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	w.source.Memberships(ctx, groups, func(list []*lag.Membership) {
		for _, m := range list {
			w.take(m)
		}
	})
	well = true
}

// take keeps what was read of a group. What is known stays for as long as it is of use where it could not be read.
func (w *Watch) take(m *lag.Membership) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.groups[m.Name]
	if g == nil {
		return // nobody follows it any more
	}
	if m.Err != nil && g.newest != nil && g.newest.Err == nil && m.ReadAt.Sub(g.newest.ReadAt) <= history.MembershipMaxAge {
		return
	}
	bytes := size(m)
	if others := w.bytes - g.bytes; others+bytes > mostBytes {
		m = lag.NewMembership(lag.Group{Name: m.Name, Kind: m.Kind, Members: -1, Err: &fault.Error{
			Kind: fault.Exhausted, Op: "keep the members of", Object: fmt.Sprintf("group %q", m.Name),
			Err:    fmt.Errorf("those of other groups take %d of %d bytes, and these take %d more", others, mostBytes, bytes),
			Remedy: "use lagThreshold for it, which does not look at members",
		}}, nil, 0, m.ReadAt)
		bytes = size(m)
	}
	w.bytes += bytes - g.bytes
	g.newest, g.bytes = m, bytes
}

// size estimates what a membership takes in memory, in bytes.
func size(m *lag.Membership) int {
	const fixed, perMember, perTopic, perPartition = 250, 120, 40, 4
	n := fixed + len(m.Name)
	for i := range m.List {
		member := &m.List[i]
		n += perMember + len(member.ID)
		for _, t := range member.Assigned {
			n += perTopic + len(t.Topic) + perPartition*len(t.Partitions)
		}
		for _, topic := range member.Subscribed {
			n += perTopic + len(topic)
		}
	}
	return n
}
