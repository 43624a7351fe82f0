package kafka_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// withCommits makes groups g0, g1, ... that have committed their own number as
// the offset of t0-0.
func withCommits(t testing.TB, fake *fakekafka.Cluster, groups int) []lag.GroupTopics {
	t.Helper()
	asked := make([]lag.GroupTopics, groups)
	for i := range asked {
		name := fmt.Sprintf("g%d", i)
		fake.Commit(t, name, map[string]map[int32]int64{"t0": {0: int64(i)}})
		asked[i] = lag.GroupTopics{Group: name, Topics: allOf(1, 2)}
	}
	return asked
}

func checkCommits(t *testing.T, asked []lag.GroupTopics, got map[string]lag.GroupCommits) {
	t.Helper()
	for i, g := range asked {
		if c := committed(t, got[g.Group], "t0", 0); c.Offset != int64(i) || c.Err != nil {
			t.Errorf("%s committed %d, %v; want %d", g.Group, c.Offset, c.Err, i)
		}
		if c := committed(t, got[g.Group], "t0", 1); c.Offset != lag.NoCommit || c.Err != nil {
			t.Errorf("%s committed %d, %v on t0-1; want no commit", g.Group, c.Offset, c.Err)
		}
	}
}

func TestCommitsAskEveryCoordinatorOnce(t *testing.T) {
	fake := seeded(t, 1, 2)
	asked := withCommits(t, fake, 30)
	client := newClient(t, fake)
	fake.Requests()
	before := time.Now()
	got := readCommits(t, client, asked...)
	checkCommits(t, asked, got)
	if at := got["g0"].ReadAt; at.Before(before) || at.After(time.Now()) {
		t.Errorf("read at %v, not during the call", at)
	}
	if sent := fake.Requests(); sent["FindCoordinator"] != 1 || sent["OffsetFetch"] != 3 {
		t.Errorf("cold: requests %v, want one FindCoordinator and one OffsetFetch a coordinator", sent)
	}
	checkCommits(t, asked, readCommits(t, client, asked...))
	if sent := fake.Requests(); sent["OffsetFetch"] != 3 || len(sent) != 1 {
		t.Errorf("warm: requests %v, want one OffsetFetch a coordinator", sent)
	}
}

func TestCommitsFromOldBrokers(t *testing.T) {
	fake := seeded(t, 1, 2, kfake.MaxVersions(kversion.V2_4_0()))
	asked := withCommits(t, fake, 12)
	client := newClient(t, fake)
	fake.Requests()
	checkCommits(t, asked, readCommits(t, client, asked...))
	if sent := fake.Requests(); sent["FindCoordinator"] != 12 || sent["OffsetFetch"] != 12 {
		t.Errorf("requests %v, want one FindCoordinator and one OffsetFetch a group", sent)
	}
	for node := range int32(3) {
		if n := fake.Connections(node); n > 3 { // two, and one to it as a bootstrap server before it was known
			t.Errorf("%d connections to broker %d", n, node)
		}
	}
	for p, o := range readOffsets(t, client, lag.End, allOf(1, 2)) {
		if o.Err != nil {
			t.Errorf("%v: %v", p, o.Err)
		}
	}
}

func TestCommitsOfAllPartitions(t *testing.T) {
	for name, version := range map[string]*kversion.Versions{"new": kversion.V4_1_0(), "old": kversion.V2_4_0()} {
		t.Run(name, func(t *testing.T) {
			fake := seeded(t, 3, 2, kfake.MaxVersions(version))
			fake.Commit(t, "g", map[string]map[int32]int64{"t0": {1: 5}, "t2": {0: 0}})
			got := readCommits(t, newClient(t, fake), lag.GroupTopics{Group: "g"})["g"]
			if len(got.Commits) != 2 {
				t.Errorf("commits %v, want two", got.Commits)
			}
			if c := committed(t, got, "t0", 1); c.Offset != 5 {
				t.Errorf("t0-1: %d, want 5", c.Offset)
			}
			if c := committed(t, got, "t2", 0); c.Offset != 0 {
				t.Errorf("t2-0: %d, want 0", c.Offset)
			}
		})
	}
}

func TestCommitsOfAnUnknownGroup(t *testing.T) {
	fake := seeded(t, 1, 2)
	got := readCommits(t, newClient(t, fake),
		lag.GroupTopics{Group: "named", Topics: allOf(1, 2)}, lag.GroupTopics{Group: "all"})
	for id := range int32(2) {
		if c := committed(t, got["named"], "t0", id); c.Offset != lag.NoCommit || c.Err != nil {
			t.Errorf("t0-%d: %d, %v; want no commit", id, c.Offset, c.Err)
		}
	}
	if all := got["all"]; all.Err != nil || len(all.Commits) != 0 {
		t.Errorf("all: %v, %v; want nothing", all.Commits, all.Err)
	}
}

func TestCommitsFollowCoordinators(t *testing.T) {
	fake := seeded(t, 1, 2)
	asked := withCommits(t, fake, 30)
	client := newClient(t, fake)
	readCommits(t, client, asked...)
	fake.RehashCoordinators()
	checkCommits(t, asked, readCommits(t, client, asked...))
	fake.Requests()
	checkCommits(t, asked, readCommits(t, client, asked...))
	if sent := fake.Requests(); sent["OffsetFetch"] != 3 || len(sent) != 1 {
		t.Errorf("requests afterwards %v, want one OffsetFetch a coordinator", sent)
	}
}

func TestCommitsWhileTheCoordinatorStarts(t *testing.T) {
	fake := seeded(t, 1, 2)
	asked := withCommits(t, fake, 10)
	for _, key := range []kmsg.Key{kmsg.FindCoordinator, kmsg.OffsetFetch} {
		for _, code := range []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator} {
			t.Run(key.Name()+" "+code.Message, func(t *testing.T) {
				client := newClient(t, fake)
				fault1 := fake.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Group: "g4", Err: code, Count: 1})
				checkCommits(t, asked, readCommits(t, client, asked...))
				if fault1.Hits() != 1 {
					t.Errorf("the error was met %d times, want once", fault1.Hits())
				}
				lasting := fake.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Group: "g4", Err: code, Count: -1})
				defer lasting.Remove()
				fresh := newClient(t, fake)
				got := readCommits(t, fresh, asked...)
				wantKind(t, got["g4"].Err, fault.Unavailable)
				if n := lasting.Hits(); n != 2 {
					t.Errorf("asked %d times in one call, want twice", n)
				}
				for _, g := range asked {
					if g.Group != "g4" && got[g.Group].Err != nil {
						t.Errorf("%s: %v", g.Group, got[g.Group].Err)
					}
				}
			})
		}
	}
}

func TestCommitsThatAreRefused(t *testing.T) {
	fake := seeded(t, 1, 2)
	asked := withCommits(t, fake, 3)
	client := newClient(t, fake)
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Group: "g1", Err: kerr.GroupAuthorizationFailed, Count: -1})
	got := readCommits(t, client, asked...)
	wantKind(t, got["g1"].Err, fault.Denied)
	for _, part := range []string{`group "g1"`, "GROUP_AUTHORIZATION_FAILED (30)", "Describe"} {
		if err := got["g1"].Err; err != nil && !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if got["g0"].Err != nil || got["g2"].Err != nil {
		t.Errorf("others failed too: %v, %v", got["g0"].Err, got["g2"].Err)
	}
}

// A broker that leaves out what the principal may not see must not be taken for
// one that says that nothing is committed.
func TestCommitsThatAreLeftOut(t *testing.T) {
	fake := seeded(t, 1, 2)
	asked := withCommits(t, fake, 3)
	client := newClient(t, fake)
	fake.ControlKey(int16(kmsg.OffsetFetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
		for _, g := range req.(*kmsg.OffsetFetchRequest).Groups {
			if g.Group == "g2" {
				continue
			}
			group := kmsg.NewOffsetFetchResponseGroup()
			group.Group = g.Group
			topic := kmsg.NewOffsetFetchResponseGroupTopic()
			topic.Topic = "t0"
			partition := kmsg.NewOffsetFetchResponseGroupTopicPartition()
			partition.Offset = 3
			topic.Partitions = append(topic.Partitions, partition, partition)
			group.Topics = append(group.Topics, topic)
			resp.Groups = append(resp.Groups, group)
		}
		return resp, nil, true
	})
	got := readCommits(t, client, asked...)
	if c := committed(t, got["g0"], "t0", 0); c.Offset != 3 || c.Err != nil || len(got["g0"].Commits) != 2 {
		t.Errorf("t0-0 was answered: %v, %v", c.Offset, c.Err)
	}
	wantKind(t, committed(t, got["g0"], "t0", 1).Err, fault.Denied)
	if got["g2"].Err == nil {
		t.Error("a group without an answer has no error")
	}
}

func TestCommitsAreSplitIntoSmallRequests(t *testing.T) {
	fake := seeded(t, 1, 2)
	asked := withCommits(t, fake, 20)
	client := newClient(t, fake, func(c *kafka.Config) { c.MaxGroupsPerRequest = 3 })
	checkCommits(t, asked, readCommits(t, client, asked...))
	fake.Requests()
	client = newClient(t, fake, func(c *kafka.Config) { c.MaxPartitionsPerRequest = 2 }) // a group each
	checkCommits(t, asked, readCommits(t, client, asked...))
	if sent := fake.Requests()["OffsetFetch"]; sent != 20 {
		t.Errorf("%d OffsetFetch requests, want 20", sent)
	}
}

func TestHungCoordinatorDelaysOnlyItsOwnGroups(t *testing.T) {
	fake := seeded(t, 1, 2)
	asked := withCommits(t, fake, 30)
	client := newClient(t, fake)
	readCommits(t, client, asked...)
	fake.Hang(2)
	defer fake.Resume(2)
	const limit = 1500 * time.Millisecond
	start := time.Now()
	d := commits(t)
	client.Commits(within(t, limit), asked, d.deliver)
	if took := time.Since(start); took > limit+3*time.Second {
		t.Errorf("the call took %v with a deadline of %v", took, limit)
	}
	for _, g := range asked {
		got, ok := d.all[g.Group]
		switch {
		case !ok:
			t.Errorf("%s was not delivered", g.Group)
		case fake.CoordinatorFor(g.Group) == 2:
			wantKind(t, got.Err, fault.Unavailable)
		case got.Err != nil:
			t.Errorf("%s: %v", g.Group, got.Err)
		case d.at[g.Group].Sub(start) > limit:
			t.Errorf("%s came after the hung broker's", g.Group)
		}
	}
}

// While one broker hangs, what any broker can answer is answered by the others.
func TestColdClientPassesAHungBroker(t *testing.T) {
	fake := seeded(t, 1, 3)
	asked := withCommits(t, fake, 6)
	fake.Hang(0)
	defer fake.Resume(0)
	for range 4 { // the order of the bootstrap servers is random
		client := newClient(t, fake)
		topics, err := client.Topics(within(t, callTime), []string{"t0"})
		if err != nil || topics[0].Err != nil {
			t.Fatalf("topics: %v, %v", topics, err)
		}
		d := commits(t)
		client.Commits(within(t, 2*time.Second), asked, d.deliver)
		for _, g := range asked {
			if fake.CoordinatorFor(g.Group) != 0 && d.all[g.Group].Err != nil {
				t.Errorf("%s: %v", g.Group, d.all[g.Group].Err)
			}
		}
		client.Close()
	}
}
