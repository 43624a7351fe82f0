package kafka_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// elect makes the leader of a partition step down and lead again: in a newer epoch.
func elect(t *testing.T, fake *fakekafka.Cluster, topic string, partition int32) {
	t.Helper()
	leader := fake.LeaderFor(topic, partition)
	for _, node := range []int32{(leader + 1) % 3, leader} {
		if err := fake.MoveTopicPartition(topic, partition, node); err != nil {
			t.Fatal(err)
		}
	}
}

// answerEnds answers so many ListOffsets requests in place of the brokers.
func answerEnds(fake *fakekafka.Cluster, times int32, answer func(req *kmsg.ListOffsetsRequest, p *kmsg.ListOffsetsResponseTopicPartition)) *atomic.Int32 {
	var asked atomic.Int32
	fake.ControlKey(int16(kmsg.ListOffsets), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if asked.Add(1) > times {
			return nil, nil, false
		}
		req := kreq.(*kmsg.ListOffsetsRequest)
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, rt := range req.Topics {
			t := kmsg.NewListOffsetsResponseTopic()
			t.Topic = rt.Topic
			for _, rp := range rt.Partitions {
				p := kmsg.NewListOffsetsResponseTopicPartition()
				p.Partition = rp.Partition
				answer(req, &p)
				t.Partitions = append(t.Partitions, p)
			}
			resp.Topics = append(resp.Topics, t)
		}
		return resp, nil, true
	})
	return &asked
}

func TestLeaderEpochsOfTopicsAndEnds(t *testing.T) {
	fake := seeded(t, 1, 2)
	fake.Produce(t, "t0", 0, 4)
	elect(t, fake, "t0", 1)
	client := newClient(t, fake)
	topics, err := client.Topics(within(t, callTime), []string{"t0"})
	if err != nil || len(topics) != 1 || topics[0].Err != nil {
		t.Fatal(topics, err)
	}
	epochs := topics[0].LeaderEpochs
	if len(epochs) != 2 || epochs[1] != epochs[0]+2 {
		t.Fatalf("epochs %v, want two, of which the second was elected twice more", epochs)
	}
	for _, at := range []lag.Position{lag.End, lag.StableEnd} {
		got := readOffsets(t, client, at, allOf(1, 2))
		for id, want := range epochs {
			if o := got[tp("t0", int32(id))]; o.Err != nil || o.LeaderEpoch != want {
				t.Errorf("%v of partition %d: %+v, want epoch %d", at, id, o, want)
			}
		}
	}
	// What these name is the epoch of a record, which may be as old as the log.
	if o := readOffsets(t, client, lag.Start, allOf(1, 2))[tp("t0", 0)]; o.Err != nil || o.LeaderEpoch != lag.NoLeaderEpoch {
		t.Errorf("the start has %+v", o)
	}
	found := offsets(t)
	client.OffsetsForTimes(within(t, callTime), map[lag.TopicPartition]int64{tp("t0", 0): 1}, found.deliver)
	if o := found.all[tp("t0", 0)]; o.Err != nil || o.LeaderEpoch != lag.NoLeaderEpoch {
		t.Errorf("a record by its time has %+v", o)
	}
	if o := readOffsets(t, client, lag.End, []lag.TopicPartitions{{Topic: "absent", Partitions: []int32{0}}})[tp("absent", 0)]; o.Err == nil || o.LeaderEpoch != lag.NoLeaderEpoch {
		t.Errorf("an error has %+v", o)
	}
}

// Brokers before 2.4 tell epochs that cannot be relied on: Kafka's own clients do without them.
func TestOldBrokersHaveNoLeaderEpochs(t *testing.T) {
	fake := seeded(t, 1, 1, kfake.MaxVersions(kversion.V2_3_0()))
	elect(t, fake, "t0", 0)
	client := newClient(t, fake)
	topics, err := client.Topics(within(t, callTime), []string{"t0"})
	if err != nil || topics[0].LeaderEpochs != nil {
		t.Errorf("got %+v, %v", topics, err)
	}
	elect(t, fake, "t0", 0)
	fake.Requests()
	if o := readOffsets(t, client, lag.End, allOf(1, 1))[tp("t0", 0)]; o.Err != nil {
		t.Error(o.Err)
	}
	if sent := fake.Requests(); sent["Metadata"] != 0 || sent["ListOffsets"] != 1 {
		t.Errorf("an epoch was sent: %v", sent)
	}
}

// A leader that was elected again refuses the epoch that we know. It is asked again once the new one is known.
func TestLogOffsetsFollowLeaderEpochs(t *testing.T) {
	fake := seeded(t, 1, 3)
	client := newClient(t, fake)
	readOffsets(t, client, lag.End, allOf(1, 3))
	elect(t, fake, "t0", 1)
	fake.Requests()
	for p, o := range readOffsets(t, client, lag.End, allOf(1, 3)) {
		if o.Err != nil {
			t.Errorf("%v: %v", p, o.Err)
		}
	}
	if sent := fake.Requests(); sent["Metadata"] != 1 || sent["ListOffsets"] != 4 {
		t.Errorf("requests %v, want one Metadata and one more ListOffsets", sent)
	}
	fake.Requests()
	readOffsets(t, client, lag.End, allOf(1, 3))
	if sent := fake.Requests(); sent["Metadata"] != 0 || sent["ListOffsets"] != 3 {
		t.Errorf("requests afterwards %v", sent)
	}
}

// A broker that still takes itself for the leader answers with an end that is long past.
func TestAnEndOfAnOlderLeaderIsNoAnswer(t *testing.T) {
	fake := seeded(t, 1, 1)
	elect(t, fake, "t0", 0)
	client := newClient(t, fake)
	topics, err := client.Topics(within(t, callTime), []string{"t0"})
	if err != nil {
		t.Fatal(err)
	}
	known := topics[0].LeaderEpochs[0]
	stale := func(req *kmsg.ListOffsetsRequest, p *kmsg.ListOffsetsResponseTopicPartition) {
		if sent := req.Topics[0].Partitions[0].CurrentLeaderEpoch; sent != known {
			t.Errorf("epoch %d was sent, want %d", sent, known)
		}
		p.Offset, p.LeaderEpoch = 3, known-1
	}
	t.Run("the routes are read again and the leader asked once more", func(t *testing.T) {
		asked := answerEnds(fake, 1, stale)
		fake.Requests()
		if o := readOffsets(t, client, lag.End, allOf(1, 1))[tp("t0", 0)]; o.Err != nil || o.Offset != 0 || o.LeaderEpoch != known {
			t.Errorf("got %+v", o)
		}
		if n := asked.Load(); n != 2 || fake.Requests()["Metadata"] != 1 {
			t.Errorf("asked %d times", n)
		}
	})
	t.Run("then it is an error", func(t *testing.T) {
		answerEnds(fake, 100, stale)
		o := readOffsets(t, client, lag.End, allOf(1, 1))[tp("t0", 0)]
		wantKind(t, o.Err, fault.Unavailable)
		if o.Err == nil || !strings.Contains(o.Err.Error(), "the answer is of leader epoch") || !strings.Contains(o.Err.Error(), "wait") {
			t.Errorf("got %v", o.Err)
		}
	})
}

// Services that do not keep epochs answer without one.
func TestAnEndWithoutALeaderEpochIsAnAnswer(t *testing.T) {
	fake := seeded(t, 1, 1)
	client := newClient(t, fake)
	answerEnds(fake, 100, func(_ *kmsg.ListOffsetsRequest, p *kmsg.ListOffsetsResponseTopicPartition) {
		p.Offset, p.LeaderEpoch = 3, -1
	})
	if o := readOffsets(t, client, lag.End, allOf(1, 1))[tp("t0", 0)]; o.Err != nil || o.Offset != 3 || o.LeaderEpoch != lag.NoLeaderEpoch {
		t.Errorf("got %+v", o)
	}
}

func TestFetchesSendTheLeaderEpoch(t *testing.T) {
	fake := seeded(t, 1, 3)
	fake.Produce(t, "t0", 0, 2)
	client := newClient(t, fake)
	readOffsets(t, client, lag.End, allOf(1, 3))
	elect(t, fake, "t0", 0)
	looked := false
	client.Inspect(within(t, callTime), false, []lag.Look{{TopicPartition: tp("t0", 0), From: 0, To: 2}}, func(s []lag.Sight) { looked = s[0].Taken || s[0].Err != nil })
	if looked {
		t.Error("a look with an old epoch was answered")
	}
	got := <-await(t, client, lag.End, longWait, waitsOf("t0", 0)...)
	if got.err != nil || len(got.wakes) != 1 || got.wakes[0].Reason != lag.WakeMoved {
		t.Errorf("a wait with an old epoch: %+v, %v", got.wakes, got.err)
	}
	if err := client.FindLeaders(within(t, callTime), []string{"t0"}); err != nil {
		t.Fatal(err)
	}
	if got := <-await(t, client, lag.End, longWait, waitsOf("t0", 0)...); got.err != nil || len(got.wakes) != 1 || got.wakes[0].End != 2 {
		t.Errorf("with the new one: %+v, %v", got.wakes, got.err)
	}
	client.Inspect(within(t, callTime), false, []lag.Look{{TopicPartition: tp("t0", 0), From: 0, To: 2}}, func(s []lag.Sight) { looked = s[0].Taken })
	if !looked {
		t.Error("a look with the new epoch was not answered")
	}
}
