package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// memberships returns what is said of the groups, each of which must come once.
func memberships(t *testing.T, client *kafka.Client, groups ...lag.Group) map[string]*lag.Membership {
	t.Helper()
	found := map[string]*lag.Membership{}
	client.Memberships(within(t, callTime), groups, func(list []*lag.Membership) {
		for _, m := range list {
			if found[m.Name] != nil {
				t.Errorf("%s came twice", m.Name)
			}
			found[m.Name] = m
		}
	})
	if len(found) != len(groups) {
		t.Errorf("%d of %d groups came", len(found), len(groups))
	}
	return found
}

// Groups of either protocol, and of none, in one call; whatever their kind was taken for.
func TestMemberships(t *testing.T) {
	new848 := context.WithValue(context.Background(), "opt_in_kafka_next_gen_balancer_beta", true) //nolint:revive,staticcheck // kgo's key
	for name, tc := range map[string]struct {
		version *kversion.Versions
		kind    lag.GroupKind
		opts    []kgo.Opt
		topics  []lag.TopicPartitions
	}{
		"classic, new broker": {kversion.V4_1_0(), lag.KindClassic, nil, []lag.TopicPartitions{{Topic: "t0", Partitions: []int32{0, 1}}, {Topic: "t1", Partitions: []int32{0, 1}}}},
		"classic, old broker": {kversion.V2_4_0(), lag.KindClassic, nil, []lag.TopicPartitions{{Topic: "t0", Partitions: []int32{0, 1}}, {Topic: "t1", Partitions: []int32{0, 1}}}},
		"KIP-848":             {kversion.V4_1_0(), lag.KindConsumer, []kgo.Opt{kgo.WithContext(new848)}, []lag.TopicPartitions{{Partitions: []int32{0, 1}}}}, // the fake sends ids only
	} {
		t.Run(name, func(t *testing.T) {
			fake := seeded(t, 2, 2, kfake.MaxVersions(tc.version))
			withCommits(t, fake, 1)
			joined(t, fake, tc.opts...)
			client := newClient(t, fake)
			for _, taken := range []lag.GroupKind{lag.KindUnknown, lag.KindClassic, lag.KindConsumer} {
				asked := []lag.Group{{Name: "absent", Kind: taken}, {Name: "g0", Kind: taken}, {Name: "g", Kind: taken}}
				for deadline := time.Now().Add(callTime); ; time.Sleep(20 * time.Millisecond) {
					found := memberships(t, client, asked...)
					if g := found["g"]; g.State == "Stable" && len(g.List) == 1 && cmp.Equal(g.List[0].Assigned, tc.topics) {
						if g.Kind != tc.kind || g.Members != 1 || g.Err != nil || !g.List[0].SubscriptionKnown {
							t.Errorf("taken for %s: %+v", taken, g)
						}
						if m := found["absent"]; m.State != kafka.StateDead || m.Members != 0 || m.Err != nil {
							t.Errorf("taken for %s, the absent one: %+v", taken, m)
						}
						if m := found["g0"]; m.State != "Empty" || m.Members != 0 || m.Err != nil {
							t.Errorf("taken for %s, the empty one: %+v", taken, m)
						}
						break
					}
					if time.Now().After(deadline) {
						t.Fatalf("never stable: %+v", found["g"])
					}
				}
			}
		})
	}
}

// What cannot be read of one group is not said of the others.
func TestMembershipsThatAreDenied(t *testing.T) {
	fake := seeded(t, 1, 1)
	withCommits(t, fake, 2)
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeGroups, kmsg.ConsumerGroupDescribe}, Group: "g1", Err: kerr.GroupAuthorizationFailed, Count: -1})
	found := memberships(t, newClient(t, fake), lag.Group{Name: "g0"}, lag.Group{Name: "g1"})
	wantKind(t, found["g1"].Err, fault.Denied)
	if m := found["g1"]; m.Members != -1 {
		t.Errorf("%d members of a group that cannot be read", m.Members)
	}
	if m := found["g0"]; m.Err != nil || m.State != "Empty" {
		t.Errorf("the other group: %+v", m)
	}
}

// A coordinator that has moved is found again.
func TestMembershipsFollowTheirCoordinator(t *testing.T) {
	fake := seeded(t, 1, 1)
	withCommits(t, fake, 3)
	client := newClient(t, fake)
	for range 5 {
		for name, m := range memberships(t, client, lag.Group{Name: "g0"}, lag.Group{Name: "g1"}, lag.Group{Name: "g2"}) {
			if m.Err != nil || m.State != "Empty" {
				t.Errorf("%s: %+v", name, m)
			}
		}
		fake.RehashCoordinators()
	}
}

// Many groups are asked about together: one request a coordinator and protocol.
func TestMembershipsAreReadTogether(t *testing.T) {
	fake := seeded(t, 1, 1)
	withCommits(t, fake, 60)
	client := newClient(t, fake)
	var groups []lag.Group
	for i := range 60 {
		groups = append(groups, lag.Group{Name: fmt.Sprintf("g%d", i)})
	}
	memberships(t, client, groups...) // finds the coordinator
	fake.Requests()
	memberships(t, client, groups...)
	if sent := fake.Requests(); sent["ConsumerGroupDescribe"] != 3 || sent["DescribeGroups"] != 3 || len(sent) != 2 {
		t.Errorf("60 groups of three coordinators took %v", sent)
	}
}

// A request about several groups that cannot be answered, as where one has more members than an answer may have, does no
// harm to the others.
func TestMembershipsOfOneTooManyAreAskedForAlone(t *testing.T) {
	fake := seeded(t, 1, 1)
	withCommits(t, fake, 5)
	fake.ControlKey(int16(kmsg.DescribeGroups), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if slices.Contains(req.(*kmsg.DescribeGroupsRequest).Groups, "g3") {
			return nil, errors.New("the connection is closed"), true
		}
		return nil, nil, false
	})
	found := memberships(t, newClient(t, fake), lag.Group{Name: "g0"}, lag.Group{Name: "g1"}, lag.Group{Name: "g2"}, lag.Group{Name: "g3"}, lag.Group{Name: "g4"})
	for name, m := range found {
		if (m.Err != nil) != (name == "g3") {
			t.Errorf("%s: %v", name, m.Err)
		}
	}
}
