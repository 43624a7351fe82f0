package kafka

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

var _ transport.Streamed = (*offsetFetch)(nil)

// commitsAtOnce is how many commits are handed on together, at least.
const commitsAtOnce = 1024

// maxGroupPartitions bounds the commits of a group of which no partition was named.
const maxGroupPartitions = 250_000

// unanswered is the offset of a commit that was asked for by name and is not answered yet.
const unanswered = lag.NoCommit - 1

// offsetFetch is an OffsetFetch for many groups whose response is turned into
// commits as it comes. With ten thousand groups the responses have megabytes in
// every refresh, so nothing is made of them but the commits.
type offsetFetch struct {
	*kmsg.OffsetFetchRequest
	turn   *pace.Worker
	groups []lag.GroupTopics
	// began is called when the response begins to arrive.
	began func()
	// hand takes groups that are answered, and must keep no Commits.
	hand func([]lag.GroupCommits)

	// answered are those of groups that are, and index where each is, made when an answer is not in the order of the question.
	answered []bool
	index    map[string]int
	refused  rejects[lag.GroupTopics]

	// slab is where the commits of batch are.
	slab  []lag.Commit
	batch []lag.GroupCommits
}

func newOffsetFetch(groups []lag.GroupTopics, stable bool, turn *pace.Worker, hand func([]lag.GroupCommits)) *offsetFetch {
	return &offsetFetch{
		OffsetFetchRequest: offsetFetchMany(groups, stable), turn: turn, groups: groups, began: func() {}, hand: hand,
		answered: make([]bool, len(groups)),
	}
}

// onBegin implements beginner.
func (f *offsetFetch) onBegin(do func()) { f.began = do }

// unanswered are the groups that are not, and those of some that are.
func (f *offsetFetch) unanswered(some []lag.GroupCommits) []lag.GroupTopics {
	groups := f.asked(some)
	for i, answered := range f.answered {
		if !answered {
			groups = append(groups, f.groups[i])
		}
	}
	return groups
}

// asked is what was asked of some groups.
func (f *offsetFetch) asked(some []lag.GroupCommits) []lag.GroupTopics {
	groups := make([]lag.GroupTopics, 0, len(some))
	for i := range some {
		groups = append(groups, f.groups[f.find([]byte(some[i].Group), i)])
	}
	return groups
}

// ReadResponse implements transport.Streamed. The layout is that of versions 8 and 9:
// https://kafka.apache.org/protocol.html#The_Messages_OffsetFetch.
func (f *offsetFetch) ReadResponse(r io.Reader) error {
	f.began()
	return wire.Fields(r, f.turn, func(in *wire.Reader) {
		in.Flexible = true
		in.Tags()  // of the header
		in.Skip(4) // throttle_time_ms
		next := 0
		for n := in.Count(); n > 0 && in.Err() == nil; n-- {
			next = f.readGroup(in, next) + 1
			if in.Err() == nil && len(f.slab) >= commitsAtOnce {
				f.flush()
			}
		}
		in.Tags()
		f.flush()
	})
}

// flush hands on what is complete.
func (f *offsetFetch) flush() {
	if len(f.batch) > 0 {
		f.hand(f.batch)
	}
	f.slab, f.batch = f.slab[:0], f.batch[:0]
}

// readGroup reads one group, which is likely to be that at next, and returns which it is.
func (f *offsetFetch) readGroup(in *wire.Reader, next int) int {
	at := f.find(in.String(), next)
	if at < 0 || f.answered[at] {
		skipGroup(in)
		return next
	}
	g := &f.groups[at]
	first := len(f.slab)
	f.makeRoom(g)
	f.readTopics(in, g, first)
	code := in.Int16()
	in.Tags()
	if in.Err() != nil {
		return at
	}
	f.answered[at] = true
	if code != 0 && code != wire.GroupIDNotFound {
		f.slab = f.slab[:first]
		f.refused.add(wire.Code(code), *g)
		return at
	}
	commits := f.slab[first:len(f.slab):len(f.slab)]
	complete(g.Group, commits, code == wire.GroupIDNotFound)
	f.batch = append(f.batch, lag.GroupCommits{Group: g.Group, ReadAt: time.Now(), Commits: commits})
	return at
}

// find returns where a group was asked for, or -1. The answer has nearly always the order of the question.
func (f *offsetFetch) find(name []byte, next int) int {
	if next < len(f.groups) && f.groups[next].Group == string(name) {
		return next
	}
	if f.index == nil {
		f.index = make(map[string]int, len(f.groups))
		for i := range f.groups {
			f.index[f.groups[i].Group] = i
		}
	}
	if at, ok := f.index[string(name)]; ok {
		return at
	}
	return -1
}

// makeRoom appends what was asked of a group by name.
func (f *offsetFetch) makeRoom(g *lag.GroupTopics) {
	if f.slab == nil {
		f.slab = make([]lag.Commit, 0, commitsAtOnce+commitsAtOnce/8)
	}
	f.slab = slices.Grow(f.slab, count(g.Topics))
	for _, t := range g.Topics {
		for _, id := range t.Partitions {
			f.slab = append(f.slab, lag.Commit{TopicPartition: lag.TopicPartition{Topic: t.Topic, Partition: id}, Offset: unanswered, LeaderEpoch: lag.NoLeaderEpoch})
		}
	}
}

// readTopics reads the topics of a group whose commits begin at first.
func (f *offsetFetch) readTopics(in *wire.Reader, g *lag.GroupTopics, first int) {
	// likely is the topic that comes next, if the answer has the order of the question, and from where its commits are.
	likely, from := 0, first
	for n := in.Count(); n > 0 && in.Err() == nil; n-- {
		name := in.String()
		if g.Topics == nil {
			f.readAll(in, g.Group, string(name), first)
			continue
		}
		if likely >= len(g.Topics) || g.Topics[likely].Topic != string(name) {
			likely, from = seek(g.Topics, name)
			from += first
		}
		if likely == len(g.Topics) {
			readPartitions(in, func(fetchedOffset) {})
			continue
		}
		ids := g.Topics[likely].Partitions
		f.readAsked(in, g.Group, ids, f.slab[from:from+len(ids)])
		likely, from = likely+1, from+len(ids)
	}
}

// seek returns which of the topics has the name, or their number, and how many partitions come before it.
func seek(topics []lag.TopicPartitions, name []byte) (at, before int) {
	for at = range topics {
		if topics[at].Topic == string(name) {
			return at, before
		}
		before += len(topics[at].Partitions)
	}
	return len(topics), 0
}

// readAll reads the partitions of a topic of which none was named.
func (f *offsetFetch) readAll(in *wire.Reader, group, topic string, first int) {
	readPartitions(in, func(o fetchedOffset) {
		in.Bound(len(f.slab)-first, maxGroupPartitions, "partitions of a group")
		f.slab = append(f.slab, commit(group, lag.TopicPartition{Topic: topic, Partition: o.partition}, o))
	})
}

// readAsked reads the partitions of a topic into the commits that were asked for, each once.
func (f *offsetFetch) readAsked(in *wire.Reader, group string, ids []int32, commits []lag.Commit) {
	likely := 0
	readPartitions(in, func(o fetchedOffset) {
		at := likely
		if at >= len(ids) || ids[at] != o.partition {
			var asked bool
			if at, asked = slices.BinarySearch(ids, o.partition); !asked {
				return
			}
		}
		likely = at + 1
		if c := &commits[at]; c.Offset == unanswered && c.Err == nil {
			*c = commit(group, c.TopicPartition, o)
		}
	})
}

// readPartitions reads the partitions of a topic.
func readPartitions(in *wire.Reader, take func(fetchedOffset)) {
	for n := in.Count(); n > 0; n-- {
		o := fetchedOffset{partition: in.Int32(), offset: in.Int64(), epoch: in.Int32()}
		in.Skip(in.Count()) // metadata
		o.code = in.Int16()
		in.Tags()
		if in.Err() != nil {
			return
		}
		take(o)
	}
	in.Tags()
}

// skipGroup passes over an answer that nobody asked for.
func skipGroup(in *wire.Reader) {
	for n := in.Count(); n > 0 && in.Err() == nil; n-- {
		in.Skip(in.Count())
		readPartitions(in, func(fetchedOffset) {})
	}
	in.Skip(2) // error_code
	in.Tags()
}

// complete says what is known of the partitions that were asked for by name and
// left out. absent is a group that the broker does not know: nothing is committed then.
func complete(group string, commits []lag.Commit, absent bool) {
	for i := range commits {
		c := &commits[i]
		if c.Offset != unanswered || c.Err != nil {
			continue
		}
		c.Offset = lag.NoCommit
		if !absent {
			c.Err = leftOut(group, c.TopicPartition)
		}
	}
}

// leftOut is a partition that was asked for by name and not answered: brokers do so where the principal may not
// describe the topic.
func leftOut(group string, tp lag.TopicPartition) error {
	return failure("read the committed offset of", commitObject(group, tp), fmt.Errorf("%w, as if without permission on the topic: %w",
		errLeftOut, wire.Code(wire.TopicAuthorizationFailed)))
}
