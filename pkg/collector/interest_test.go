package collector

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/sweep"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// club is a cluster whose group has members that subscribe to topics.
type club struct {
	*cluster
	members sync.Mutex
	view    lag.GroupView
}

func (m *club) GroupView(_ context.Context, group string) lag.GroupView {
	m.members.Lock()
	defer m.members.Unlock()
	v := m.view
	v.Name = group
	return v
}

func (m *club) subscribe(topics ...string) {
	m.members.Lock()
	defer m.members.Unlock()
	m.view = lag.GroupView{Group: lag.Group{Kind: lag.KindClassic, State: "Stable", Members: len(topics)}, Subscribed: topics, Complete: len(topics) > 0}
}

func topicsOf(s *Snapshot) (names []string) {
	for _, o := range s.Offsets {
		names = append(names, o.Topic)
	}
	return slices.Compact(names)
}

// A group's topics are those that it has commits for or subscribes to, but not what it has given up.
func TestDiscoveredTopics(t *testing.T) {
	source := &club{cluster: newCluster(1).topic("new", 1, 10).topic("old", 2, 10).topic("other", 3, 10).commit("billing", "old", 5)}
	c := start(t, source, Options{Interval: time.Hour, TopicsInterval: time.Nanosecond})
	selection := trigger.Selection{ConsumerGroup: "billing", DiscoveredTopicExpiry: 50 * time.Millisecond}
	q := NewQuery(selection, time.Minute)
	keda := NewQuery(trigger.Selection{ConsumerGroup: "billing", AllTopicsWithoutCommit: true}, time.Minute)
	var s *sweep.Scope
	round := func(want ...string) {
		t.Helper()
		s = c.live()
		c.sweeper.Sweep(t.Context(), s, time.Second)
		if got := topicsOf(snapshot(t, c, q)); !slices.Equal(got, want) {
			t.Errorf("topics %v, want %v", got, want)
		}
		if got := topicsOf(snapshot(t, c, keda)); !slices.Equal(got, []string{"old"}) {
			t.Errorf("in KEDA compatibility: topics %v, want old", got)
		}
	}
	snapshot(t, c, q)
	snapshot(t, c, keda)
	round("old")
	source.subscribe("new", "old")
	round("new", "old")
	source.subscribe("new") // a version without the old topic
	round("new", "old")
	time.Sleep(60 * time.Millisecond)
	source.subscribe() // asleep: this says nothing
	round("new", "old")
	source.subscribe("new")
	round("new")
	source.subscribe()
	round("new")
	source.commit("billing", "old", 6) // wanted again
	round("new", "old")
}

func TestGroupOfACluster(t *testing.T) {
	source := &club{cluster: newCluster(1)}
	source.subscribe("a", "b")
	c := start(t, source, Options{})
	if g := c.Group(t.Context(), "billing"); g.Name != "billing" || g.Kind != lag.KindClassic || g.Members != 2 {
		t.Errorf("%+v", g)
	}
	if g := start(t, newCluster(1), Options{}).Group(t.Context(), "billing"); g.Kind != lag.KindUnknown || g.Members != -1 {
		t.Errorf("of a source that cannot tell: %+v", g)
	}
}
