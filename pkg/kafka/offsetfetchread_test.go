package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// The names that groups and topics are drawn from: some are asked about, some are not.
func drawName(t *rapid.T, kind string) string {
	return fmt.Sprintf("%s%d", kind, rapid.IntRange(0, 5).Draw(t, kind))
}

func drawAsked(t *rapid.T) (groups []lag.GroupTopics) {
	for g := range rapid.IntRange(0, 5).Draw(t, "groups") {
		ask := lag.GroupTopics{Group: fmt.Sprintf("group%d", g)}
		if rapid.Bool().Draw(t, "named") {
			ask.Topics = drawParts(t, 1)
		}
		groups = append(groups, ask)
	}
	return groups
}

// drawAnswer is a response that may lack what was asked for, and hold what was not.
func drawAnswer(t *rapid.T, version int16) *kmsg.OffsetFetchResponse {
	resp := kmsg.NewPtrOffsetFetchResponse()
	resp.SetVersion(version)
	for range rapid.IntRange(0, 7).Draw(t, "answers") {
		g := kmsg.NewOffsetFetchResponseGroup()
		g.Group = drawName(t, "group")
		g.ErrorCode = rapid.SampledFrom([]int16{0, 0, 0, wire.GroupIDNotFound, wire.NotCoordinator}).Draw(t, "error of the group")
		for range rapid.IntRange(0, 4).Draw(t, "answered topics") {
			topic := kmsg.NewOffsetFetchResponseGroupTopic()
			topic.Topic = drawName(t, "topic")
			for range rapid.IntRange(0, 9).Draw(t, "answered partitions") {
				p := kmsg.NewOffsetFetchResponseGroupTopicPartition()
				p.Partition = rapid.Int32Range(0, 9).Draw(t, "partition")
				p.Offset = rapid.Int64Range(-1, 3).Draw(t, "offset")
				p.LeaderEpoch = rapid.Int32Range(-2, 3).Draw(t, "leader epoch")
				p.ErrorCode = rapid.SampledFrom([]int16{0, 0, 0, wire.UnstableOffsetCommit}).Draw(t, "error")
				p.Metadata = new(rapid.StringN(0, 200, 200).Draw(t, "metadata"))
				p.UnknownTags.Set(7, []byte("tag"))
				topic.Partitions = append(topic.Partitions, p)
			}
			g.Topics = append(g.Topics, topic)
		}
		resp.Groups = append(resp.Groups, g)
	}
	return resp
}

// expected is the answer by the plain rules: each group, topic and partition counts where it is named first.
func expected(groups []lag.GroupTopics, resp *kmsg.OffsetFetchResponse) (want []lag.GroupCommits, refused map[string]int16, silent []string) {
	refused = map[string]int16{}
	for _, ask := range groups {
		at := slices.IndexFunc(resp.Groups, func(g kmsg.OffsetFetchResponseGroup) bool { return g.Group == ask.Group })
		switch {
		case at < 0:
			silent = append(silent, ask.Group)
			continue
		case resp.Groups[at].ErrorCode != 0 && resp.Groups[at].ErrorCode != wire.GroupIDNotFound:
			refused[ask.Group] = resp.Groups[at].ErrorCode
			continue
		}
		var answers []fetchedOffset
		for _, t := range resp.Groups[at].Topics {
			for _, p := range t.Partitions {
				answers = append(answers, fetchedOffset{t.Topic, p.Partition, p.Offset, p.LeaderEpoch, p.ErrorCode})
			}
		}
		want = append(want, groupCommits(ask, answers, resp.Groups[at].ErrorCode == wire.GroupIDNotFound, time.Time{}))
	}
	return want, refused, silent
}

// rendered are all commits, in an order that does not depend on the answer's.
func rendered(groups []lag.GroupCommits) (lines []string) {
	for _, g := range groups {
		lines = append(lines, g.Group)
		for _, c := range g.Commits {
			lines = append(lines, fmt.Sprintf("%s %s %d: %d of %d %v", g.Group, c.Topic, c.Partition, c.Offset, c.LeaderEpoch, c.Err))
		}
	}
	slices.Sort(lines)
	return lines
}

func TestOffsetFetchIsReadAsItComes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := drawAsked(t)
		version := rapid.Int16Range(offsetFetchManyVersions.Min, offsetFetchManyVersions.Max).Draw(t, "version")
		resp := drawAnswer(t, version)
		want, refused, silent := expected(groups, resp)

		var got []lag.GroupCommits
		f := newOffsetFetch(groups, true, pace.New().Of(t.Context()), func(some []lag.GroupCommits) { got = append(got, cloneCommits(some)...) })
		f.SetVersion(version)
		body := resp.AppendTo([]byte{0}) // the tags of the header
		if err := f.ReadResponse(iotest.HalfReader(bytes.NewReader(body))); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rendered(want), rendered(got)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		for _, cause := range f.refused.all {
			for _, g := range cause.items {
				if code := refused[g.Group]; !errors.Is(cause.err, wire.Code(code)) {
					t.Errorf("%s is refused with %v, want code %d", g.Group, cause.err, code)
				}
				delete(refused, g.Group)
			}
		}
		if len(refused) > 0 {
			t.Errorf("%v are not refused", refused)
		}
		if left := groupNames(f.unanswered(nil)); !slices.Equal(left, silent) {
			t.Errorf("%v have no answer, want %v", left, silent)
		}
		if len(body) > 0 {
			cut := body[:rapid.IntRange(0, len(body)-1).Draw(t, "cut")]
			f := newOffsetFetch(groups, true, pace.New().Of(t.Context()), func([]lag.GroupCommits) {})
			if err := f.ReadResponse(bytes.NewReader(cut)); err == nil {
				t.Errorf("%d of %d bytes pass for a whole answer", len(cut), len(body))
			}
		}
	})
}

// A group has no more commits than a cluster has partitions.
func TestCommitsOfAGroupAreBounded(t *testing.T) {
	g := kmsg.NewOffsetFetchResponseGroup()
	g.Group = "g"
	topic := kmsg.NewOffsetFetchResponseGroupTopic()
	topic.Topic, topic.Partitions = "t", make([]kmsg.OffsetFetchResponseGroupTopicPartition, maxGroupPartitions+2)
	g.Topics = append(g.Topics, topic)
	resp := kmsg.NewPtrOffsetFetchResponse()
	resp.SetVersion(8)
	resp.Groups = append(resp.Groups, g)
	f := newOffsetFetch([]lag.GroupTopics{{Group: "g"}}, true, pace.New().Of(t.Context()), func([]lag.GroupCommits) { t.Error("handed on") })
	f.SetVersion(8)
	err := f.ReadResponse(bytes.NewReader(resp.AppendTo([]byte{0})))
	if _, large := errors.AsType[*wire.TooLargeError](err); !large || len(f.unanswered(nil)) != 1 {
		t.Errorf("got %v", err)
	}
}

// FuzzOffsetFetch reads what a broker, or something else on its port, may send.
func FuzzOffsetFetch(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 2, 3, 'g', '0', 2, 3, 't', '0', 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{0, 0, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, body []byte) {
		groups := []lag.GroupTopics{
			{Group: "g0", Topics: []lag.TopicPartitions{{Topic: "t0", Partitions: []int32{0, 1}}}},
			{Group: "g1"},
		}
		answered := map[string]bool{}
		read := newOffsetFetch(groups, true, pace.New().Of(t.Context()), func(some []lag.GroupCommits) {
			for _, g := range some {
				if answered[g.Group] {
					t.Errorf("%s is answered twice", g.Group)
				}
				answered[g.Group] = true
				if g.Group == "g0" && len(g.Commits) != 2 {
					t.Errorf("%d commits for two partitions", len(g.Commits))
				}
				for _, c := range g.Commits {
					if c.Offset < lag.NoCommit || c.LeaderEpoch < lag.NoLeaderEpoch || c.Offset < 0 && c.LeaderEpoch != lag.NoLeaderEpoch {
						t.Errorf("offset %d of epoch %d", c.Offset, c.LeaderEpoch)
					}
				}
			}
		})
		read.SetVersion(8)
		_ = read.ReadResponse(bytes.NewReader(body))
	})
}
