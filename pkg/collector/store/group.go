package store

import (
	"cmp"
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Group is what is known of one consumer group.
type Group struct {
	name string
	// topics are its positions by topic name, once for readers of the high watermark and once for those
	// of the last stable offset: each must fit its own log end.
	topics [2][]*GroupTopic
	// discover is set while a query asks for whatever the group has commits for, by isolation.
	discover [2]bool
	// discovered are the topics that the group has, or had, commits for, sorted: they are remembered when the
	// commits expire while the group sleeps.
	discovered []string

	// pending is the call that owes an answer; all whether it was asked for all partitions with a commit.
	pending Stamp
	all     bool
	// answered is when the newest good answer was received; err why the newest attempt failed.
	answered Stamp
	err      error

	seq     Sequence
	visited uint64

	interests interests
	// kind is lag.KindShare for a share group.
	kind lag.GroupKind
}

// GroupTopic is a group's positions in one topic, indexed by partition id.
type GroupTopic struct {
	group *Group
	topic *Topic
	// isolation is lag.End for readers of all records, lag.StableEnd for readers of committed ones: the log end that the positions are compared with.
	isolation   lag.Position
	incarnation uint32
	parts       []positions
	errs        []error
	// ahead is how many partitions had a commit of a newer leader than the one that told the log end, when the log
	// starts were last surveyed.
	ahead int
	// past are the commits of the topic's incarnation before, where it was created again, until there are other ones.
	past []int64
	// changed is set by a read that differs from the one before, until TakeCommits has noted that.
	changed bool
	// users is how many subscriptions it is for. Without any, the group has commits in a topic that nobody may read yet:
	// it has no room then but for what an answer brings.
	users int
	// probes are those of partitions with a small lag only. Nil before the first survey.
	probes map[int32]*probe
	// ages are the oldest unconsumed records, of partitions with lag only, and searching the calls under way for them.
	ages      map[int32]*age
	searching int
	// done is what share groups have finished out of order; nil for other groups.
	done map[int32]sharedDone
	// index is that in the union that the newest visit composed.
	index   int
	visited uint64
}

// isolationOf returns the log end that a reader of the isolation level is measured to.
func isolationOf(readCommitted bool) lag.Position {
	if readCommitted {
		return lag.StableEnd
	}
	return lag.End
}

func (g *Group) find(isolation lag.Position, topic string) (int, bool) {
	return slices.BinarySearchFunc(g.topics[isolation], topic, func(gt *GroupTopic, name string) int {
		return cmp.Compare(gt.topic.name, name)
	})
}

// topic returns the group's positions in a topic, and makes room for them where there are none.
func (g *Group) topic(isolation lag.Position, t *Topic) *GroupTopic {
	i, ok := g.find(isolation, t.name)
	if !ok {
		gt := &GroupTopic{group: g, topic: t, isolation: isolation, incarnation: t.incarnation}
		g.topics[isolation] = slices.Insert(g.topics[isolation], i, gt)
	}
	return g.topics[isolation][i]
}

// dropUnused forgets the positions that no subscription is about.
func (g *Group) dropUnused() {
	for isolation, topics := range g.topics {
		kept := make([]*GroupTopic, 0, len(topics))
		for _, gt := range topics {
			if gt.users > 0 {
				kept = append(kept, gt)
			}
		}
		g.topics[isolation] = kept
	}
}

// asks returns the request for the group's commits and whether there is anything to ask.
func (g *Group) asks() (lag.GroupTopics, bool) {
	if g.discover[lag.End] || g.discover[lag.StableEnd] {
		return lag.GroupTopics{Group: g.name}, true
	}
	ask := lag.GroupTopics{Group: g.name, Topics: make([]lag.TopicPartitions, 0, len(g.topics[0])+len(g.topics[1]))}
	add := func(gt *GroupTopic) {
		t := gt.topic
		// A topic that was never described has no partitions to name, and naming none would ask for all.
		if gt.users > 0 && len(t.ids) > 0 {
			ask.Topics = append(ask.Topics, lag.TopicPartitions{Topic: t.name, Partitions: t.ids})
		}
	}
	for _, gt := range g.topics[lag.End] {
		add(gt)
	}
	for _, gt := range g.topics[lag.StableEnd] {
		if at, twice := g.find(lag.End, gt.topic.name); !twice || g.topics[lag.End][at].users == 0 {
			add(gt)
		}
	}
	return ask, len(ask.Topics) > 0
}

// Wanted reports whether any query is about the positions. Where none is, they have no room.
func (gt *GroupTopic) Wanted() bool { return gt.users > 0 }

// Isolation is the log end that the positions are compared with.
func (gt *GroupTopic) Isolation() lag.Position { return gt.isolation }

// Partitions is how many the topic has.
func (gt *GroupTopic) Partitions() int { return len(gt.topic.ids) }

// Topic is what the positions are in.
func (gt *GroupTopic) Topic() *Topic { return gt.topic }
