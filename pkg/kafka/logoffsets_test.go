package kafka_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func TestLogOffsetsAskEveryLeaderOnce(t *testing.T) {
	fake := seeded(t, 20, 10)
	fake.Produce(t, "t3", 4, 7)
	client := newClient(t, fake)
	parts := allOf(20, 10)
	readOffsets(t, client, lag.End, parts) // learns the routes
	fake.Requests()

	got := readOffsets(t, client, lag.End, parts)
	if len(got) != 200 {
		t.Errorf("%d partitions delivered, want 200", len(got))
	}
	for p, o := range got {
		want := int64(0)
		if p == tp("t3", 4) {
			want = 7
		}
		if o.Err != nil || o.Offset != want {
			t.Errorf("%v = %d, %v; want %d", p, o.Offset, o.Err, want)
		}
	}
	if sent := fake.Requests(); sent["ListOffsets"] != 3 || len(sent) != 1 {
		t.Errorf("requests %v, want 3 ListOffsets, one a leader", sent)
	}
}

func TestLogOffsetsPositions(t *testing.T) {
	fake := seeded(t, 1, 1)
	fake.Produce(t, "t0", 0, 10)
	fake.OpenTransaction(t, "t0", 0, 5)
	client := newClient(t, fake)
	for position, want := range map[lag.Position]int64{lag.End: 15, lag.StableEnd: 10, lag.Start: 0} {
		if got := readOffsets(t, client, position, allOf(1, 1))[tp("t0", 0)]; got.Offset != want || got.Err != nil {
			t.Errorf("%v = %d, %v; want %d", position, got.Offset, got.Err, want)
		}
	}
}

func TestLogOffsetsOfRepeatedPartitionsComeOnce(t *testing.T) {
	fake := seeded(t, 1, 3)
	got := readOffsets(t, newClient(t, fake), lag.End, []lag.TopicPartitions{
		{Topic: "t0", Partitions: []int32{2, 0, 2}}, {Topic: "t0", Partitions: []int32{1, 0}},
	})
	if len(got) != 3 {
		t.Errorf("got %v, want three partitions", got)
	}
	for p, o := range got {
		if o.Err != nil {
			t.Errorf("%v: %v", p, o.Err)
		}
	}
}

func TestLogOffsetsFollowLeaders(t *testing.T) {
	fake := seeded(t, 2, 3)
	client := newClient(t, fake)
	readOffsets(t, client, lag.End, allOf(2, 3))
	next := (fake.LeaderFor("t0", 1) + 1) % 3
	if err := fake.MoveTopicPartition("t0", 1, next); err != nil {
		t.Fatal(err)
	}
	fake.Requests()
	for p, o := range readOffsets(t, client, lag.End, allOf(2, 3)) {
		if o.Err != nil {
			t.Errorf("%v: %v", p, o.Err)
		}
	}
	if sent := fake.Requests(); sent["Metadata"] != 1 || sent["ListOffsets"] != 4 {
		t.Errorf("requests %v, want one Metadata and four ListOffsets", sent)
	}
	readOffsets(t, client, lag.End, allOf(2, 3))
	if sent := fake.Requests(); sent["Metadata"] != 0 || sent["ListOffsets"] != 3 {
		t.Errorf("requests afterwards %v, want three ListOffsets", sent)
	}
}

func TestLogOffsetsOfPartitionsThatFail(t *testing.T) {
	tests := []struct {
		code *kerr.Error
		kind fault.Kind
		says string
	}{
		{kerr.TopicAuthorizationFailed, fault.Denied, "Describe"},
		{kerr.NotLeaderForPartition, fault.Unavailable, "leader"},
		{kerr.OffsetNotAvailable, fault.Unavailable, "leader"},
		{kerr.UnknownServerError, fault.Unavailable, "logs"},
	}
	for _, test := range tests {
		t.Run(test.code.Message, func(t *testing.T) {
			fake := seeded(t, 1, 6)
			client := newClient(t, fake)
			fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "t0", Partitions: []int32{4}, Err: test.code, Count: -1})
			for p, o := range readOffsets(t, client, lag.End, allOf(1, 6)) {
				if p.Partition != 4 {
					if o.Err != nil {
						t.Errorf("%v: %v", p, o.Err)
					}
					continue
				}
				wantKind(t, o.Err, test.kind)
				for _, part := range []string{`topic "t0" partition 4`, "broker", test.code.Message, test.says} {
					if o.Err != nil && !strings.Contains(o.Err.Error(), part) {
						t.Errorf("%q does not say %q", o.Err, part)
					}
				}
			}
		})
	}
}

// A leader that lacks the listener that we came by has no address for us; what the broker calls it is kept.
func TestLogOffsetsWithoutTheListener(t *testing.T) {
	fake := seeded(t, 1, 1)
	client := newClient(t, fake)
	fake.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic = new("t0")
		p := kmsg.NewMetadataResponseTopicPartition()
		p.ErrorCode, p.Leader = kerr.ListenerNotFound.Code, -1
		topic.Partitions = append(topic.Partitions, p)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	err := readOffsets(t, client, lag.End, allOf(1, 1))[tp("t0", 0)].Err
	wantKind(t, err, fault.Unavailable)
	for _, says := range []string{"LISTENER_NOT_FOUND (72)", "advertised.listeners"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
}

func TestLogOffsetsRecoverWithinTheCall(t *testing.T) {
	fake := seeded(t, 1, 6)
	client := newClient(t, fake)
	readOffsets(t, client, lag.End, allOf(1, 6))
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "t0", Partitions: []int32{4}, Err: kerr.LeaderNotAvailable, Count: 1})
	for p, o := range readOffsets(t, client, lag.End, allOf(1, 6)) {
		if o.Err != nil {
			t.Errorf("%v: %v", p, o.Err)
		}
	}
}

func TestLogOffsetsOfWhatDoesNotExist(t *testing.T) {
	fake := seeded(t, 1, 2)
	got := readOffsets(t, newClient(t, fake), lag.End, []lag.TopicPartitions{
		{Topic: "t0", Partitions: []int32{0, 1, 2}}, {Topic: "absent", Partitions: []int32{0}},
	})
	for _, p := range []lag.TopicPartition{tp("t0", 2), tp("absent", 0)} {
		wantKind(t, got[p].Err, fault.NotFound)
	}
	for _, p := range []lag.TopicPartition{tp("t0", 0), tp("t0", 1)} {
		if got[p].Err != nil {
			t.Errorf("%v: %v", p, got[p].Err)
		}
	}
}

func TestLogOffsetsFindATopicThatIsMadeLater(t *testing.T) {
	fake := seeded(t, 1, 1)
	client := newClient(t, fake)
	later := []lag.TopicPartitions{{Topic: "later", Partitions: []int32{0}}}
	wantKind(t, readOffsets(t, client, lag.End, later)[tp("later", 0)].Err, fault.NotFound)
	fake.CreateTopic(t, "later", 1)
	if err := readOffsets(t, client, lag.End, later)[tp("later", 0)].Err; err != nil {
		t.Error(err)
	}
}

func TestLogOffsetsSeeAPermissionThatIsGivenLater(t *testing.T) {
	fake := seeded(t, 1, 1)
	client := newClient(t, fake)
	denied := fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "t0", Err: kerr.TopicAuthorizationFailed, Count: -1})
	wantKind(t, readOffsets(t, client, lag.End, allOf(1, 1))[tp("t0", 0)].Err, fault.Denied)
	denied.Remove()
	if err := readOffsets(t, client, lag.End, allOf(1, 1))[tp("t0", 0)].Err; err != nil {
		t.Error(err)
	}
}

func TestLogOffsetsAreSplitIntoSmallRequests(t *testing.T) {
	fake := seeded(t, 30, 10)
	client := newClient(t, fake, func(c *kafka.Config) { c.MaxPartitionsPerRequest = 7 })
	for p, o := range readOffsets(t, client, lag.End, allOf(30, 10)) {
		if o.Err != nil {
			t.Errorf("%v: %v", p, o.Err)
		}
	}
	if sent := fake.Requests()["ListOffsets"]; sent < 300/7 || sent > 300/7+4 {
		t.Errorf("%d ListOffsets requests for 300 partitions at 7 a request", sent)
	}
}

func TestHungBrokerDelaysOnlyItsOwnPartitions(t *testing.T) {
	fake := seeded(t, 4, 9)
	client := newClient(t, fake)
	readOffsets(t, client, lag.End, allOf(4, 9))
	fake.Hang(1)
	defer fake.Resume(1)

	const limit = 1500 * time.Millisecond
	start := time.Now()
	d := offsets(t)
	client.LogOffsets(within(t, limit), lag.End, allOf(4, 9), d.deliver)
	if took := time.Since(start); took < limit || took > limit+3*time.Second {
		t.Errorf("the call took %v with a deadline of %v", took, limit)
	}
	if len(d.all) != 36 {
		t.Errorf("%d partitions delivered, want 36", len(d.all))
	}
	for p, o := range d.all {
		if fake.LeaderFor(p.Topic, p.Partition) == 1 {
			wantKind(t, o.Err, fault.Unavailable)
			continue
		}
		if o.Err != nil {
			t.Errorf("%v: %v", p, o.Err)
		}
		if late := d.at[p].Sub(start); late > limit {
			t.Errorf("%v came after %v, not before the hung broker's", p, late)
		}
	}
}

func TestHungBrokerIsUsedAgainWhenItIsBack(t *testing.T) {
	fake := seeded(t, 1, 3)
	client := newClient(t, fake)
	readOffsets(t, client, lag.End, allOf(1, 3))
	fake.Hang(1)
	client.LogOffsets(within(t, 200*time.Millisecond), lag.End, allOf(1, 3), offsets(t).deliver)
	fake.Resume(1)
	for deadline := time.Now().Add(callTime); ; {
		failed := 0
		for _, o := range readOffsets(t, client, lag.End, allOf(1, 3)) {
			if o.Err != nil {
				failed++
			}
		}
		if failed == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the broker is not used again")
		}
	}
}
