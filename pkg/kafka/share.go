package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Share groups (KIP-932) commit nothing: DescribeShareGroupOffsets tells up to
// where each has finished everything, and from version 1 on how much is left behind that.
var describeShareOffsetsVersions = span{0, 1}

// noShareFor is how long a group without a commit that is no share group is taken for that.
const noShareFor = 10 * time.Second

// shares remembers which groups are no share groups. Only groups without any commit
// can be one, so that no others are asked about.
type shares struct {
	mu   sync.Mutex
	none map[string]time.Time // until when
}

// candidates returns those of the groups that may be share groups, given their
// commits: as they were asked for, and where their answers are.
func (s *shares) candidates(groups []lag.GroupTopics, commits []lag.GroupCommits, now time.Time) (asks []lag.GroupTopics, at map[string]*lag.GroupCommits) {
	asked := make(map[string]lag.GroupTopics, len(groups))
	for _, g := range groups {
		asked[g.Group] = g
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at = map[string]*lag.GroupCommits{}
	for i := range commits {
		g := &commits[i]
		if hasCommit(g.Commits) || now.Before(s.none[g.Group]) {
			continue
		}
		at[g.Group] = g
		asks = append(asks, asked[g.Group])
	}
	return asks, at
}

// mayBe tells whether a group may be a share group, given its commits.
func (s *shares) mayBe(g *lag.GroupCommits, now time.Time) bool {
	if hasCommit(g.Commits) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !now.Before(s.none[g.Group])
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

func (s *shares) exclude(groups []string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.none == nil {
		s.none = map[string]time.Time{}
	}
	for group, at := range s.none {
		if until.Sub(at) > 2*noShareFor {
			delete(s.none, group)
		}
	}
	for _, group := range groups {
		s.none[group] = until
	}
}

// read puts the positions of share groups in place of the commits that they do not
// have. A coordinator that does not know share groups has none. What cannot be
// read is an error of the group: without it, it would pass for a new one.
func (s *shares) read(ctx context.Context, on *broker, groups []lag.GroupTopics, commits []lag.GroupCommits) {
	asks, at := s.candidates(groups, commits, time.Now())
	if len(asks) == 0 {
		return
	}
	if asks = s.existing(ctx, on, asks, at); len(asks) == 0 {
		return
	}
	resp, err := on.request(ctx, describeShareOffsets(asks), describeShareOffsetsVersions)
	if err != nil {
		failShares(asks, at, err)
		return
	}
	answers := resp.(*kmsg.DescribeShareGroupOffsetsResponse).Groups
	for i := range answers {
		answer := &answers[i]
		g := at[answer.GroupID]
		switch {
		case g == nil:
		case answer.ErrorCode != 0:
			failShares([]lag.GroupTopics{{Group: g.Group}}, at, Code(answer.ErrorCode))
		default:
			takeShare(g, answer, resp.GetVersion() >= 1)
		}
	}
}

// existing returns those of the groups that are share groups. It has to be asked
// first: about the offsets of a group that is none, the brokers ask the share
// coordinator, which makes its topic for the answer and takes seconds over it.
func (s *shares) existing(ctx context.Context, on *broker, asks []lag.GroupTopics, at map[string]*lag.GroupCommits) []lag.GroupTopics {
	req := kmsg.NewPtrShareGroupDescribeRequest()
	req.GroupIDs = groupNames(asks)
	resp, err := on.request(ctx, req, shareGroupDescribeVersions)
	if _, old := errors.AsType[*versionError](err); old {
		s.exclude(groupNames(asks), time.Now().Add(noShareFor))
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
		case code == groupIDNotFound, code == unsupportedVersion:
			none = append(none, ask.Group)
		default:
			failShares([]lag.GroupTopics{ask}, at, Code(code))
		}
	}
	s.exclude(none, time.Now().Add(noShareFor))
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

// takeShare takes in the answer about one group.
func takeShare(g *lag.GroupCommits, answer *kmsg.DescribeShareGroupOffsetsResponseGroup, counted bool) {
	index := make(map[lag.TopicPartition]int, len(g.Commits))
	for i := range g.Commits {
		index[g.Commits[i].TopicPartition] = i
	}
	g.Kind, g.ReadAt = lag.KindShare, time.Now()
	for i := range answer.Topics {
		t := &answer.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			tp := lag.TopicPartition{Topic: t.Topic, Partition: p.Partition}
			commit := lag.Commit{TopicPartition: tp, Offset: max(p.StartOffset, lag.NoCommit), LeaderEpoch: lag.NoLeaderEpoch}
			if commit.Offset != lag.NoCommit {
				commit.LeaderEpoch = max(p.LeaderEpoch, lag.NoLeaderEpoch)
			}
			if counted && p.Lag >= 0 && p.StartOffset >= 0 {
				commit.Left, commit.Counted = p.Lag, true
			}
			if p.ErrorCode != 0 {
				commit = lag.Commit{TopicPartition: tp, Offset: lag.NoCommit, LeaderEpoch: lag.NoLeaderEpoch}
				commit.Err = codeFailure("read the share-partition offset of", commitObject(g.Group, tp), p.ErrorCode)
			}
			if at, known := index[tp]; known {
				g.Commits[at] = commit
			} else {
				g.Commits = append(g.Commits, commit)
			}
		}
	}
}
