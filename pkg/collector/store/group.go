package store

import (
	"cmp"
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Group is what is known of one consumer group.
type Group struct {
	name string
	// tracks are its positions by topic name, once for readers of the high watermark and once for those
	// of the last stable offset: each must fit its own log end.
	tracks [2][]*Tracked
	// discover is set while a query asks for whatever the group has commits for, by isolation.
	discover [2]bool
	// found are the topics that the group has, or had, commits for, sorted: they are remembered when the
	// commits expire while the group sleeps.
	found []string

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

// Tracked is a group's positions in one topic, indexed by partition id.
type Tracked struct {
	group *Group
	topic *Topic
	// kind is lag.End or lag.StableEnd: the log end that the positions are compared with.
	kind        lag.Position
	incarnation uint32
	parts       []positions
	errs        []error
	// ahead is how many partitions had a commit of a newer leader than the one that told the log end, when the log
	// starts were last looked at.
	ahead int
	// past are the commits of the topic's incarnation before, where it was created again, until there are other ones.
	past []int64
	// moved is set by a read that differs from the one before, until takeCommits takes notice.
	moved bool
	// users is how many subscriptions it is for. Without any, the group has commits in a topic that nobody may read yet:
	// it has no room then but for what an answer brings.
	users int
	// looks are the looks into the log, of partitions with a small lag only. Nil until those were looked for.
	looks map[int32]*look
	// ages are the oldest unconsumed records, of partitions with lag only, and searching the calls under way for them.
	ages      map[int32]*age
	searching int
	// done is what share groups have finished out of order; nil for other groups.
	done map[int32]sharedDone
	// index is that in a union, while mark is that of the walk which composes it.
	index   int
	visited uint64
}

// kindOf returns the log end that a reader of the isolation level is measured to.
func kindOf(readCommitted bool) lag.Position {
	if readCommitted {
		return lag.StableEnd
	}
	return lag.End
}

func (g *Group) find(kind lag.Position, topic string) (int, bool) {
	return slices.BinarySearchFunc(g.tracks[kind], topic, func(tr *Tracked, name string) int {
		return cmp.Compare(tr.topic.name, name)
	})
}

// track returns the group's positions in a topic, and makes room for them where there are none.
func (g *Group) track(kind lag.Position, t *Topic) *Tracked {
	i, ok := g.find(kind, t.name)
	if !ok {
		tr := &Tracked{group: g, topic: t, kind: kind, incarnation: t.incarnation}
		g.tracks[kind] = slices.Insert(g.tracks[kind], i, tr)
	}
	return g.tracks[kind][i]
}

// dropUnused forgets the positions that no subscription is about.
func (g *Group) dropUnused() {
	for kind, tracks := range g.tracks {
		kept := make([]*Tracked, 0, len(tracks))
		for _, tr := range tracks {
			if tr.users > 0 {
				kept = append(kept, tr)
			}
		}
		g.tracks[kind] = kept
	}
}

// asks returns the request for the group's commits and whether there is anything to ask.
func (g *Group) asks() (lag.GroupTopics, bool) {
	if g.discover[lag.End] || g.discover[lag.StableEnd] {
		return lag.GroupTopics{Group: g.name}, true
	}
	ask := lag.GroupTopics{Group: g.name, Topics: make([]lag.TopicPartitions, 0, len(g.tracks[0])+len(g.tracks[1]))}
	add := func(tr *Tracked) {
		t := tr.topic
		// A topic that was never described has no partitions to name, and naming none would ask for all.
		if tr.users > 0 && len(t.ids) > 0 {
			ask.Topics = append(ask.Topics, lag.TopicPartitions{Topic: t.name, Partitions: t.ids})
		}
	}
	for _, tr := range g.tracks[lag.End] {
		add(tr)
	}
	for _, tr := range g.tracks[lag.StableEnd] {
		if at, twice := g.find(lag.End, tr.topic.name); !twice || g.tracks[lag.End][at].users == 0 {
			add(tr)
		}
	}
	return ask, len(ask.Topics) > 0
}

// Wanted reports whether any query is about the positions. Where none is, they have no room.
func (tr *Tracked) Wanted() bool { return tr.users > 0 }

// Kind is the log end that the positions are compared with.
func (tr *Tracked) Kind() lag.Position { return tr.kind }

// Partitions is how many the topic has.
func (tr *Tracked) Partitions() int { return len(tr.topic.ids) }

// Topic is what the positions are in.
func (tr *Tracked) Topic() *Topic { return tr.topic }
