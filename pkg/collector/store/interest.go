package store

import (
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// interests is what is remembered of a group that nobody named the topics of.
type interests struct {
	// asked is when the group was last asked about, in the call pending as long as that runs.
	asked, pending Stamp
	// topics is the group's interest in those that it had commits for, subscribes to, or did.
	topics map[string]lag.Interest
	// neverCommitted are those that members subscribe to and that no commit was seen in.
	neverCommitted map[string]bool
	// commits are what the newest answer said of each topic, and moved the topics in which a commit has moved
	// since then.
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

// ClaimViews returns the groups whose topics are discovered and that are due to be asked about,
// and marks them as owed by the call: what their members subscribe to counts too, and what they
// have given up stops counting some day.
func (s *Store) ClaimViews(u *Union, id Stamp) (due []string) {
	for _, g := range u.groups {
		v := &g.interests
		if g.discovers() && v.pending == 0 && (v.asked == 0 || id-v.asked >= Stamp(s.opts.TopicsInterval)) {
			v.asked, v.pending = id, id
			due = append(due, g.name)
		}
	}
	return due
}

func (g *Group) discovers() bool { return g.discover[lag.End] || g.discover[lag.StableEnd] }

// TakeView takes in what a group is and subscribes to, and reports whether the call owed it.
func (s *Store) TakeView(v *lag.GroupView, id, now Stamp) bool {
	g := s.groups[v.Name]
	if g == nil || g.interests.pending != id {
		return false
	}
	g.interests.pending = 0
	if v.Err != nil {
		return true
	}
	for _, topic := range v.Subscribed {
		if at, known := slices.BinarySearch(g.discovered, topic); !known && s.mayDiscover(topic) && !s.discoveredEnough(g) {
			g.discovered = slices.Insert(g.discovered, at, topic)
			if g.interests.neverCommitted == nil {
				g.interests.neverCommitted = map[string]bool{}
			}
			g.interests.neverCommitted[topic] = true
			s.selectDiscovered(g, topic)
			s.note(&g.seq, true)
		}
	}
	changed := false
	next := make(map[string]lag.Interest, len(g.discovered))
	for _, topic := range g.discovered {
		_, subscribed := slices.BinarySearch(v.Subscribed, topic)
		before := g.interests.topics[topic]
		next[topic] = before.Next(v.Sighting(subscribed, g.interests.moved[topic]), s.Time(now))
		changed = changed || next[topic] != before
	}
	g.interests.topics, g.interests.moved = next, nil
	if changed {
		// Which topics count may have changed, too.
		s.note(&g.seq, true)
		s.needsVersion++
	}
	return true
}

// mayFind reports whether a topic can be discovered: one that is gone for certain cannot.
func (s *Store) mayDiscover(topic string) bool {
	t := s.topics[topic]
	return t == nil || !t.gone
}

// selectDiscovered makes room for the group's positions in a topic that was discovered.
func (s *Store) selectDiscovered(g *Group, topic string) {
	s.needsVersion++
	for isolation, discover := range g.discover {
		if discover {
			g.topic(lag.Position(isolation), s.topic(topic))
		}
	}
}

// wantedTopics are the topics discovered that still count for the subscription; for KEDA only commits do.
func (sub *Subscription) wantedTopics() []string {
	g := sub.group
	wanted := make([]string, 0, len(g.discovered))
	for _, topic := range g.discovered {
		if sub.AllTopicsWithoutCommit && g.interests.neverCommitted[topic] {
			continue
		}
		if !g.interests.topics[topic].Outlived(sub.DiscoveredTopicExpiry) {
			wanted = append(wanted, topic)
		}
	}
	return wanted
}
