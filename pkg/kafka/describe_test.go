package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// joined runs one consumer of group g until the test ends.
func joined(t *testing.T, fake *fakekafka.Cluster, opts ...kgo.Opt) {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ClientID("worker"), kgo.InstanceID("worker-1"),
		kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t0", "t1"),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	polling, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for polling.Err() == nil {
			client.PollFetches(polling)
		}
	}()
	t.Cleanup(func() { stop(); <-done })
}

func TestDescribeGroup(t *testing.T) {
	new848 := context.WithValue(context.Background(), "opt_in_kafka_next_gen_balancer_beta", true) //nolint:revive,staticcheck // kgo's key
	both := []lag.TopicPartitions{{Topic: "t0", Partitions: []int32{0, 1}}, {Topic: "t1", Partitions: []int32{0, 1}}}
	nameless := []lag.TopicPartitions{{Partitions: []int32{0, 1}}} // the fake sends ids only; real brokers send names too
	tests := map[string]struct {
		version  *kversion.Versions
		opts     []kgo.Opt
		protocol string
		assigned []lag.TopicPartitions
	}{
		"classic group, new broker": {kversion.V4_1_0(), nil, kafka.ClassicProtocol, both},
		"classic group, old broker": {kversion.V2_4_0(), nil, kafka.ClassicProtocol, both},
		"consumer protocol":         {kversion.V4_1_0(), []kgo.Opt{kgo.WithContext(new848)}, kafka.ConsumerProtocol, nameless},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fake := seeded(t, 2, 2, kfake.MaxVersions(test.version))
			joined(t, fake, test.opts...)
			client := newClient(t, fake)
			var got kafka.GroupDescription
			for deadline := time.Now().Add(callTime); ; time.Sleep(20 * time.Millisecond) {
				var err error
				if got, err = client.DescribeGroup(within(t, callTime), "g"); err != nil {
					t.Fatal(err)
				}
				if got.State == "Stable" && len(got.Members) == 1 && len(got.Members[0].Assignments) == len(test.assigned) {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("never stable: %+v", got)
				}
			}
			m := got.Members[0]
			want := kafka.GroupMember{MemberID: m.MemberID, ClientID: "worker", InstanceID: m.InstanceID, Host: m.Host, Assignments: test.assigned, Subscribed: []string{"t0", "t1"}, SubscriptionKnown: true}
			if diff := cmp.Diff(want, m); diff != "" || m.MemberID == "" {
				t.Errorf("member (-want +got):\n%s", diff)
			}
			if got.Protocol != test.protocol || got.Coordinator != fake.CoordinatorFor("g") {
				t.Errorf("protocol %s, coordinator %d; want %s, %d", got.Protocol, got.Coordinator, test.protocol, fake.CoordinatorFor("g"))
			}
		})
	}
}

func TestDescribeGroupThatDoesNotExist(t *testing.T) {
	fake := seeded(t, 1, 1)
	got, err := newClient(t, fake).DescribeGroup(within(t, callTime), "absent")
	if err != nil || got.State != kafka.StateDead || len(got.Members) != 0 {
		t.Errorf("got %+v, %v; want the state Dead", got, err)
	}
}

func TestDescribeGroupFollowsItsCoordinator(t *testing.T) {
	fake := seeded(t, 1, 1)
	withCommits(t, fake, 1)
	client := newClient(t, fake)
	for range 5 {
		got, err := client.DescribeGroup(within(t, callTime), "g0")
		if err != nil || got.State != "Empty" || got.Coordinator != fake.CoordinatorFor("g0") {
			t.Errorf("got %+v, %v; want Empty on broker %d", got, err, fake.CoordinatorFor("g0"))
		}
		fake.RehashCoordinators()
	}
}

func TestDescribeGroupThatMayNotBeDescribed(t *testing.T) {
	fake := seeded(t, 1, 1)
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeGroups, kmsg.ConsumerGroupDescribe}, Group: "g", Err: kerr.GroupAuthorizationFailed, Count: -1})
	_, err := newClient(t, fake).DescribeGroup(within(t, callTime), "g")
	wantKind(t, err, fault.Denied)
}
