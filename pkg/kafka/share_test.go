package kafka_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// A share group's position stands in for the commit that it does not have.
func TestCommitsOfAShareGroup(t *testing.T) {
	fake := seeded(t, 1, 1)
	fake.Commit(t, "classic", map[string]map[int32]int64{"t0": {0: 3}})
	member, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ShareGroup("sharing"), kgo.ConsumeTopics("t0"))
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	client := newClient(t, fake)
	ask := []lag.TopicPartitions{{Topic: "t0", Partitions: []int32{0}}}
	ctx := within(t, callTime)
	taken := 0
	for taken < 5 {
		fake.Produce(t, "t0", 0, 1)
		poll, cancel := context.WithTimeout(ctx, time.Second)
		for _, r := range member.PollFetches(poll).Records() {
			r.Ack(kgo.AckAccept)
			taken++
		}
		cancel()
		if err := member.FlushAcks(ctx); err != nil && ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	var got map[string]lag.GroupCommits
	for deadline := time.Now().Add(callTime); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		got = readCommits(t, client, lag.GroupTopics{Group: "sharing", Topics: ask}, lag.GroupTopics{Group: "classic", Topics: ask})
		if c := committed(t, got["sharing"], "t0", 0); c.Offset >= int64(taken) {
			break
		}
	}
	if g := got["sharing"]; g.Kind != lag.KindShare {
		t.Errorf("kind %v", g.Kind)
	}
	if c := committed(t, got["sharing"], "t0", 0); c.Err != nil || c.Offset < int64(taken) {
		t.Errorf("position %+v after %d records", c, taken)
	}
	if g := got["classic"]; g.Kind == lag.KindShare || committed(t, g, "t0", 0).Offset != 3 {
		t.Errorf("the classic group: %+v", g)
	}
	view := client.GroupView(ctx, "sharing")
	if view.Kind != lag.KindShare || view.Members != 1 || !view.Complete {
		t.Errorf("view %+v", view)
	}
}

// share puts a share group in place of whatever the fake knows of it, with this answer about its offsets.
func share(fake *fakekafka.Cluster, group string, answer func(*kmsg.DescribeShareGroupOffsetsResponse)) {
	fake.ControlKey(int16(kmsg.ShareGroupDescribe), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		resp := req.ResponseKind().(*kmsg.ShareGroupDescribeResponse)
		g := kmsg.NewShareGroupDescribeResponseGroup()
		g.GroupID, g.GroupState = group, "Stable"
		resp.Groups = append(resp.Groups, g)
		return resp, nil, true
	})
	fake.ControlKey(int16(kmsg.DescribeShareGroupOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeShareGroupOffsetsResponse)
		answer(resp)
		return resp, nil, true
	})
}

// shareAnswer tells of a group that 10 records of each partition are finished and 90 are left.
func shareAnswer(group, topic string, id [16]byte, partitions ...int32) kmsg.DescribeShareGroupOffsetsResponseGroup {
	g := kmsg.NewDescribeShareGroupOffsetsResponseGroup()
	g.GroupID = group
	t := kmsg.NewDescribeShareGroupOffsetsResponseGroupTopic()
	t.Topic, t.TopicID = topic, id
	for _, partition := range partitions {
		p := kmsg.NewDescribeShareGroupOffsetsResponseGroupTopicPartition()
		p.Partition, p.StartOffset, p.Lag, p.LeaderEpoch = partition, 10, 90, 3
		t.Partitions = append(t.Partitions, p)
	}
	g.Topics = append(g.Topics, t)
	return g
}

// What is left out of the answer about a share group is not known; it is not a group without a position.
func TestShareGroupThatIsLeftOut(t *testing.T) {
	const group = "sharing"
	for name, test := range map[string]struct {
		answer  []kmsg.DescribeShareGroupOffsetsResponseGroup
		unknown []int32 // nil: the group
	}{
		"the group":         {nil, nil},
		"its topic":         {[]kmsg.DescribeShareGroupOffsetsResponseGroup{shareAnswer(group, "other", [16]byte{})}, []int32{0, 1}},
		"a partition":       {[]kmsg.DescribeShareGroupOffsetsResponseGroup{shareAnswer(group, "t0", [16]byte{}, 0)}, []int32{1}},
		"nothing":           {[]kmsg.DescribeShareGroupOffsetsResponseGroup{shareAnswer(group, "t0", [16]byte{}, 0, 1)}, []int32{}},
		"nothing, and more": {[]kmsg.DescribeShareGroupOffsetsResponseGroup{shareAnswer(group, "t0", [16]byte{}, 0, 1, 1, 7)}, []int32{}},
	} {
		t.Run(name, func(t *testing.T) {
			fake := seeded(t, 1, 2)
			share(fake, group, func(resp *kmsg.DescribeShareGroupOffsetsResponse) { resp.Groups = test.answer })
			got := readCommits(t, newClient(t, fake), lag.GroupTopics{Group: group, Topics: allOf(1, 2)})[group]
			if test.unknown == nil {
				wantKind(t, got.Err, fault.Unavailable)
				return
			}
			if got.Err != nil || len(got.Commits) != 2 {
				t.Fatalf("got %+v", got)
			}
			for _, c := range got.Commits {
				if slices.Contains(test.unknown, c.Partition) {
					if wantKind(t, c.Err, fault.Unavailable); c.Err != nil && !strings.Contains(c.Err.Error(), "left it out") {
						t.Errorf("%v", c.Err)
					}
					continue
				}
				want := lag.Commit{TopicPartition: tp("t0", c.Partition), Offset: 10, Left: 90, Counted: true, LeaderEpoch: 3}
				if c != want {
					t.Errorf("got %+v, want %+v", c, want)
				}
			}
		})
	}
}

// Offsets of a topic that was made again do not fit the log of the old one, and the other way round.
func TestShareGroupOfATopicThatIsMadeAgain(t *testing.T) {
	const group = "sharing"
	fake := seeded(t, 1, 1)
	client := newClient(t, fake)
	var id atomic.Pointer[[16]byte]
	describe := func() {
		t.Helper()
		topics, err := client.Topics(within(t, callTime), []string{"t0"})
		if err != nil || topics[0].Err != nil {
			t.Fatal(topics, err)
		}
		id.Store(&topics[0].ID)
	}
	describe()
	share(fake, group, func(resp *kmsg.DescribeShareGroupOffsetsResponse) {
		resp.Groups = append(resp.Groups, shareAnswer(group, "t0", *id.Load(), 0))
	})
	read := func() lag.Commit {
		return committed(t, readCommits(t, client, lag.GroupTopics{Group: group, Topics: allOf(1, 1)})[group], "t0", 0)
	}
	if c := read(); c.Err != nil || c.Left != 90 {
		t.Errorf("got %+v", c)
	}
	id.Store(&[16]byte{1})
	// The client may find the new topic by itself; whoever was told of the old one must be told first.
	if err := client.FindLeaders(within(t, callTime), []string{"t0"}); err != nil {
		t.Fatal(err)
	}
	c := read()
	wantKind(t, c.Err, fault.Unavailable)
	if c.Err == nil || !strings.Contains(c.Err.Error(), "made again") || c.Counted {
		t.Errorf("got %+v", c)
	}
	describe()
	if c := read(); c.Err != nil || c.Left != 90 {
		t.Errorf("got %+v", c)
	}
}
