package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Share groups (KIP-932) commit nothing: DescribeShareGroupOffsets tells up to
// where each has finished everything, and from version 1 on how much is left behind that.
var describeShareOffsetsVersions = transport.Between(0, 1)

// noShareFor is how long a group without a commit that is no share group is taken for that.
const noShareFor = 10 * time.Second

// shares remembers which groups are no share groups. Only groups without any commit
// can be one, so that no others are asked about.
type shares struct {
	// described returns the id of a topic as Topics has last told it, or zero.
	described func(topic string) [16]byte

	none *table[time.Time] // until when
}

func newShares(described func(topic string) [16]byte) *shares {
	return &shares{described: described, none: newTable[time.Time](maxCoordinators, maxCoordinatorsBytes)}
}

// excluded tells whether a group is known to be no share group.
func (s *shares) excluded(group string, now time.Time) bool {
	until, known := s.none.get(group, now)
	return known && now.Before(until)
}

// candidates returns those of the groups that may be share groups, given their
// commits: as they were asked for, and where their answers are.
func (s *shares) candidates(groups []lag.GroupTopics, commits []lag.GroupCommits, now time.Time) (asks []lag.GroupTopics, at map[string]*lag.GroupCommits) {
	asked := make(map[string]lag.GroupTopics, len(groups))
	for _, g := range groups {
		asked[g.Group] = g
	}
	at = map[string]*lag.GroupCommits{}
	for i := range commits {
		g := &commits[i]
		if hasCommit(g.Commits) || s.excluded(g.Group, now) {
			continue
		}
		at[g.Group] = g
		asks = append(asks, asked[g.Group])
	}
	return asks, at
}

// mayBe tells whether a group may be a share group, given its commits.
func (s *shares) mayBe(g *lag.GroupCommits, now time.Time) bool {
	return !hasCommit(g.Commits) && !s.excluded(g.Group, now)
}

// hasCommit tells whether there is a commit, or whether it is not known that there is none.
func hasCommit(commits []lag.Commit) bool {
	for i := range commits {
		if commits[i].Err != nil || commits[i].Offset != lag.NoCommit {
			return true
		}
	}
	return false
}

func (s *shares) exclude(groups []string, now time.Time) {
	for _, group := range groups {
		s.none.put(group, now.Add(noShareFor), 0, now)
	}
}

// read puts the positions of share groups in place of the commits that they do not
// have. A coordinator that does not know share groups has none. What cannot be
// read is an error of the group: without it, it would pass for a new one.
func (s *shares) read(ctx context.Context, on *transport.Broker, groups []lag.GroupTopics, commits []lag.GroupCommits) {
	asks, at := s.candidates(groups, commits, time.Now())
	if len(asks) == 0 {
		return
	}
	if asks = s.existing(ctx, on, asks, at); len(asks) == 0 {
		return
	}
	resp, err := on.Request(ctx, describeShareOffsets(asks), describeShareOffsetsVersions)
	if err != nil {
		failShares(asks, at, err)
		return
	}
	answers := map[string]*kmsg.DescribeShareGroupOffsetsResponseGroup{}
	for i, g := range resp.(*kmsg.DescribeShareGroupOffsetsResponse).Groups {
		answers[g.GroupID] = &resp.(*kmsg.DescribeShareGroupOffsetsResponse).Groups[i]
	}
	for _, ask := range asks {
		switch answer := answers[ask.Group]; {
		case answer == nil:
			failShares([]lag.GroupTopics{ask}, at, errLeftOut)
		case answer.ErrorCode != 0:
			failShares([]lag.GroupTopics{ask}, at, wire.Code(answer.ErrorCode))
		default:
			t := shareTaking{group: ask.Group, counted: resp.GetVersion() >= 1, described: s.described}
			g := at[ask.Group]
			g.Kind, g.ReadAt, g.Commits = lag.KindShare, time.Now(), t.take(ask, answer)
		}
	}
}

// existing returns those of the groups that are share groups. It has to be asked
// first: about the offsets of a group that is none, the brokers ask the share
// coordinator, which makes its topic for the answer and takes seconds over it.
func (s *shares) existing(ctx context.Context, on *transport.Broker, asks []lag.GroupTopics, at map[string]*lag.GroupCommits) []lag.GroupTopics {
	req := kmsg.NewPtrShareGroupDescribeRequest()
	req.GroupIDs = groupNames(asks)
	resp, err := on.Request(ctx, req, shareGroupDescribeVersions)
	if _, old := errors.AsType[*transport.VersionError](err); old {
		s.exclude(groupNames(asks), time.Now())
		return nil
	}
	if err != nil {
		failShares(asks, at, err)
		return nil
	}
	codes := map[string]int16{}
	for _, g := range resp.(*kmsg.ShareGroupDescribeResponse).Groups {
		codes[g.GroupID] = g.ErrorCode
	}
	var shared []lag.GroupTopics
	var none []string
	for _, ask := range asks {
		switch code, answered := codes[ask.Group]; {
		case !answered:
			failShares([]lag.GroupTopics{ask}, at, errLeftOut)
		case code == 0:
			shared = append(shared, ask)
		case code == wire.GroupIDNotFound, code == wire.UnsupportedVersion:
			none = append(none, ask.Group)
		default:
			failShares([]lag.GroupTopics{ask}, at, wire.Code(code))
		}
	}
	s.exclude(none, time.Now())
	return shared
}

// failShares makes the groups' positions unknown.
func failShares(groups []lag.GroupTopics, at map[string]*lag.GroupCommits, err error) {
	for _, ask := range groups {
		g := at[ask.Group]
		g.Commits, g.Err = nil, failure("read the share-partition offsets of", fmt.Sprintf("group %q", g.Group), err)
	}
}

func describeShareOffsets(groups []lag.GroupTopics) kmsg.Request {
	req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	for _, g := range groups {
		rg := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
		rg.GroupID = g.Group
		for _, t := range g.Topics {
			rt := kmsg.NewDescribeShareGroupOffsetsRequestGroupTopic()
			rt.Topic, rt.Partitions = t.Topic, t.Partitions
			rg.Topics = append(rg.Topics, rt)
		}
		req.Groups = append(req.Groups, rg) // null topics: all
	}
	return req
}

// shareTaking takes in the answer about one group.
type shareTaking struct {
	group     string
	counted   bool
	described func(topic string) [16]byte
}

// errOtherTopic is an answer about a topic that has been deleted and made again since
// it was described, or not yet: its offsets do not fit the log that is known.
var errOtherTopic = errors.New("the answer is about another topic of this name, as when it has just been made again")

// take returns the positions that the answer tells: those of all partitions that
// were asked for by name, each once, or, where none was named, all that it has. Kafka
// leaves out none that was named: without an answer nothing is known of it, least of
// all that the group has no position there.
func (s shareTaking) take(ask lag.GroupTopics, answer *kmsg.DescribeShareGroupOffsetsResponseGroup) []lag.Commit {
	list := newChecklist(ask.Topics)
	var commits []lag.Commit
	for i := range answer.Topics {
		t := &answer.Topics[i]
		known := s.described(t.Topic)
		other := known != [16]byte{} && t.TopicID != [16]byte{} && known != t.TopicID
		for j := range t.Partitions {
			tp, first := list.tick(t.Topic, t.Partitions[j].Partition)
			if ask.Topics == nil {
				tp, first = lag.TopicPartition{Topic: t.Topic, Partition: t.Partitions[j].Partition}, true
			}
			switch {
			case !first:
			case other:
				commits = append(commits, s.unknown(tp, errOtherTopic))
			default:
				commits = append(commits, s.commit(tp, &t.Partitions[j]))
			}
		}
	}
	list.missing(func(tp lag.TopicPartition) { commits = append(commits, s.unknown(tp, errLeftOut)) })
	return commits
}

func (s shareTaking) commit(tp lag.TopicPartition, p *kmsg.DescribeShareGroupOffsetsResponseGroupTopicPartition) lag.Commit {
	c := lag.Commit{TopicPartition: tp, Offset: lag.NoCommit, LeaderEpoch: lag.NoLeaderEpoch}
	switch {
	case p.ErrorCode != 0:
		return s.unknown(tp, wire.Code(p.ErrorCode))
	case p.StartOffset >= 0:
		c.Offset, c.LeaderEpoch = p.StartOffset, max(p.LeaderEpoch, lag.NoLeaderEpoch)
		if s.counted && p.Lag >= 0 {
			c.Left, c.Counted = p.Lag, true
		}
	}
	return c
}

func (s shareTaking) unknown(tp lag.TopicPartition, why error) lag.Commit {
	return lag.Commit{
		TopicPartition: tp, Offset: lag.NoCommit, LeaderEpoch: lag.NoLeaderEpoch,
		Err: failure("read the share-partition offset of", commitObject(s.group, tp), why),
	}
}
