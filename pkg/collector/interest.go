package collector

import (
	"context"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// GroupViewer is a [Source] that can also tell what a group is. pkg/kafka's Client is one.
type GroupViewer interface {
	// GroupView asks what the group is and what its members subscribe to.
	GroupView(ctx context.Context, group string) lag.GroupView
}

// Group asks what the group is: its kind, state and members. It is for people to
// see, and asks every time.
func (c *Collector) Group(ctx context.Context, name string) lag.Group {
	source, able := c.source.(GroupViewer)
	if !able {
		return lag.Group{Name: name, Members: -1}
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.RequestTimeout)
	defer cancel()
	return source.GroupView(ctx, name).Group
}

// interests is what is remembered of a group that nobody named the topics of.
type interests struct {
	// asked is when the group was last looked at, in the call pending as long as that runs.
	asked, pending stamp
	// topics is the group's interest in those that it had commits for, subscribes to, or did.
	topics map[string]lag.Interest
	// neverCommitted are those found by a subscription alone.
	neverCommitted map[string]bool
	// commits are what the newest answer said of each topic, and moved the topics in which a commit has moved
	// since the last look.
	commits map[string]commitSum
	moved   map[string]bool
}

// commitSum tells whether any of a topic's commits has moved, without keeping all of them.
type commitSum struct {
	n   int
	sum int64
}

// note takes in all commits of the group. One that has expired has not moved.
func (v *interests) note(commits []lag.Commit) {
	sums := make(map[string]commitSum, len(v.commits))
	for i := range commits {
		if cm := &commits[i]; cm.Err == nil && cm.Offset >= 0 {
			s := sums[cm.Topic]
			sums[cm.Topic] = commitSum{s.n + 1, s.sum + cm.Offset}
		}
	}
	for topic, s := range sums {
		before, known := v.commits[topic]
		if !known || s.n < before.n || s == before {
			continue
		}
		if v.moved == nil {
			v.moved = map[string]bool{}
		}
		v.moved[topic] = true
	}
	v.commits = sums
}

// views looks at the groups whose topics are discovered, where that is due:
// what their members subscribe to counts too, and what they have given up does not
// count for ever.
func (c *Collector) views(s *scope) step[string, lag.GroupView] {
	source, able := c.source.(GroupViewer)
	return step[string, lag.GroupView]{
		claim: func(id stamp) (due []string, owed int) {
			for _, g := range s.groups {
				v := &g.interests
				if able && g.discovers() && v.pending == 0 && (v.asked == 0 || id-v.asked >= stamp(c.opts.TopicsInterval)) {
					v.asked, v.pending = id, id
					due = append(due, g.name)
				}
			}
			return due, len(due)
		},
		ask: func(ctx context.Context, groups []string, deliver func([]lag.GroupView)) {
			// One after the other: a group is one request or two, and rarely looked at.
			for _, name := range groups {
				deliver([]lag.GroupView{source.GroupView(ctx, name)})
			}
		},
		take: c.takeView,
		miss: func(cl *call, name string) {
			c.takeView(cl, &lag.GroupView{Group: lag.Group{Name: name, Err: errNoAnswer}})
		},
	}
}

func (g *group) discovers() bool { return g.discover[lag.End] || g.discover[lag.StableEnd] }

// takeView takes in a look at a group. The caller holds mu.
func (c *Collector) takeView(cl *call, v *lag.GroupView) {
	g := c.groups[v.Name]
	if g == nil || g.interests.pending != cl.id {
		return
	}
	cl.owed--
	g.interests.pending = 0
	if v.Err != nil {
		return
	}
	for _, topic := range v.Subscribed {
		if at, known := slices.BinarySearch(g.found, topic); !known && c.mayFind(topic) && !c.foundEnough(g) {
			g.found = slices.Insert(g.found, at, topic)
			if g.interests.neverCommitted == nil {
				g.interests.neverCommitted = map[string]bool{}
			}
			g.interests.neverCommitted[topic] = true
			c.trackFound(g, topic)
			c.note(&g.seq, true)
		}
	}
	now := time.Now()
	changed := false
	next := make(map[string]lag.Interest, len(g.found))
	for _, topic := range g.found {
		_, subscribed := slices.BinarySearch(v.Subscribed, topic)
		before := g.interests.topics[topic]
		next[topic] = before.Next(v.Sighting(subscribed, g.interests.moved[topic]), now)
		changed = changed || next[topic] != before
	}
	g.interests.topics, g.interests.moved = next, nil
	if changed {
		// Which topics count may have changed, too.
		c.note(&g.seq, true)
		c.shape++
	}
}

// mayFind reports whether a topic can be discovered: one that is gone for certain cannot.
func (c *Collector) mayFind(topic string) bool {
	t := c.topics[topic]
	return t == nil || !t.gone
}

// trackFound makes room for the group's positions in a topic that was found. The caller holds mu.
func (c *Collector) trackFound(g *group, topic string) {
	c.shape++
	for kind, discover := range g.discover {
		if discover {
			g.track(lag.Position(kind), c.topic(topic))
		}
	}
}

// wantedTopics are the topics found that still count for the entry; for KEDA only commits do. The caller holds mu.
func (e *entry) wantedTopics() []string {
	g := e.group
	wanted := make([]string, 0, len(g.found))
	for _, topic := range g.found {
		if e.AllTopicsWithoutCommit && g.interests.neverCommitted[topic] {
			continue
		}
		if !g.interests.topics[topic].Outlived(e.DiscoveredTopicExpiry) {
			wanted = append(wanted, topic)
		}
	}
	return wanted
}
