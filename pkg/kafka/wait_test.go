package kafka_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// longWait is longer than any test takes that sees the end of a wait.
const longWait = 15 * time.Second

func waitsOf(topic string, offsets ...int64) []lag.LogWait {
	waits := make([]lag.LogWait, len(offsets))
	for i, o := range offsets {
		waits[i] = lag.LogWait{TopicPartition: tp(topic, int32(i)), Offset: o}
	}
	return waits
}

type awaited struct {
	wakes []lag.LogWake
	err   error
}

// await waits on broker 0, which leads everything in the tests here.
func await(t *testing.T, client *kafka.Client, at lag.Position, most time.Duration, waits ...lag.LogWait) <-chan awaited {
	t.Helper()
	ctx := within(t, callTime+most)
	done := make(chan awaited, 1)
	go func() {
		wakes, err := client.AwaitRecords(ctx, 0, at, waits, most)
		done <- awaited{wakes, err}
	}()
	return done
}

func oneBroker(t *testing.T, partitions int32, opts ...kfake.Opt) (*fakekafka.Cluster, *kafka.Client) {
	t.Helper()
	fake := fakekafka.Start(t, 1, append(opts, kfake.SeedTopics(partitions, "t0"))...)
	client := newClient(t, fake)
	if _, err := client.Topics(within(t, callTime), []string{"t0"}); err != nil {
		t.Fatal(err)
	}
	return fake, client
}

// untilTaken waits until the broker has taken up a Fetch.
func untilTaken(t *testing.T, fake *fakekafka.Cluster) {
	t.Helper()
	for deadline := time.Now().Add(callTime); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if fake.Requests()["Fetch"] > 0 {
			return
		}
	}
	t.Fatal("no Fetch arrived")
}

func TestAwaitRecords(t *testing.T) {
	fake, client := oneBroker(t, 3)
	fake.Produce(t, "t0", 1, 4)
	fake.Requests()
	done := await(t, client, lag.End, longWait, waitsOf("t0", 0, 4, 0)...)
	untilTaken(t, fake)
	select {
	case got := <-done:
		t.Fatalf("a wait at the end of the log returned %v", got)
	default:
	}
	fake.Produce(t, "t0", 1, 3)
	got := <-done
	want := lag.LogWake{TopicPartition: tp("t0", 1), End: 7, From: 4, Seen: lag.Sight{TopicPartition: tp("t0", 1), Taken: true, Record: true, Clear: 4}}
	if got.err != nil || len(got.wakes) != 1 || got.wakes[0] != want {
		t.Errorf("got %+v, %v; want %+v", got.wakes, got.err, want)
	}
}

func TestAwaitRecordsReturnsAtOnceWhereThereAreSome(t *testing.T) {
	fake, client := oneBroker(t, 2)
	fake.Produce(t, "t0", 0, 5)
	fake.Produce(t, "t0", 1, 6)
	got := <-await(t, client, lag.End, longWait, waitsOf("t0", 2, 6)...)
	if got.err != nil || len(got.wakes) != 1 || got.wakes[0].End != 5 {
		t.Errorf("got %v, %v; want the end 5 of partition 0", got.wakes, got.err)
	}
}

func TestAwaitRecordsEndsWithNothing(t *testing.T) {
	_, client := oneBroker(t, 1)
	if got := <-await(t, client, lag.End, 50*time.Millisecond, waitsOf("t0", 0)...); got.err != nil || got.wakes != nil {
		t.Errorf("got %v, %v; want nothing", got.wakes, got.err)
	}
}

func TestAwaitRecordsThatAreCommitted(t *testing.T) {
	fake, client := oneBroker(t, 1)
	fake.OpenTransaction(t, "t0", 0, 5)
	if got := <-await(t, client, lag.StableEnd, 50*time.Millisecond, waitsOf("t0", 0)...); got.err != nil || got.wakes != nil {
		t.Errorf("records of an open transaction: got %v, %v; want nothing", got.wakes, got.err)
	}
	if got := <-await(t, client, lag.End, longWait, waitsOf("t0", 0)...); len(got.wakes) != 1 || got.wakes[0].End != 5 {
		t.Errorf("the high watermark: got %v, %v; want 5", got.wakes, got.err)
	}
}

func TestAwaitRecordsTellsWhyAPartitionCannotBeWaitedOn(t *testing.T) {
	for name, test := range map[string]struct {
		code *kerr.Error
		want lag.WakeReason
		kind fault.Kind
		says string
	}{
		"not the leader": {kerr.NotLeaderForPartition, lag.WakeMoved, fault.Unavailable, "NOT_LEADER"},
		"fenced":         {kerr.FencedLeaderEpoch, lag.WakeMoved, fault.Unavailable, "FENCED"},
		"unknown epoch":  {kerr.UnknownLeaderEpoch, lag.WakeMoved, fault.Unavailable, "UNKNOWN_LEADER_EPOCH"},
		"deleted":        {kerr.UnknownTopicOrPartition, lag.WakeMoved, fault.NotFound, "UNKNOWN_TOPIC"},
		"truncated":      {kerr.OffsetOutOfRange, lag.WakeShrunk, fault.Unavailable, "OFFSET_OUT_OF_RANGE"},
		"no READ":        {kerr.TopicAuthorizationFailed, lag.WakeDenied, fault.Denied, "--operation Read --topic t0"},
		"broken":         {kerr.UnknownServerError, lag.WakeFailed, fault.Unavailable, "UNKNOWN_SERVER_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, client := oneBroker(t, 2)
			fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t0", Partitions: []int32{1}, Err: test.code, Count: -1})
			got := <-await(t, client, lag.End, 100*time.Millisecond, waitsOf("t0", 0, 0)...)
			if got.err != nil || len(got.wakes) != 1 {
				t.Fatalf("got %v, %v; want one partition", got.wakes, got.err)
			}
			wake := got.wakes[0]
			if wake.Reason != test.want || wake.Partition != 1 {
				t.Errorf("got %v %v, want 1 %v", wake.Partition, wake.Reason, test.want)
			}
			wantKind(t, wake.Err, test.kind)
			if !strings.Contains(wake.Err.Error(), test.says) {
				t.Errorf("%q does not say %q", wake.Err, test.says)
			}
		})
	}
}

func TestAwaitRecordsBeyondTheEnd(t *testing.T) {
	_, client := oneBroker(t, 1)
	got := <-await(t, client, lag.End, longWait, waitsOf("t0", 9)...)
	if got.err != nil || len(got.wakes) != 1 || got.wakes[0].Reason != lag.WakeShrunk {
		t.Errorf("got %v, %v; want a log that has shrunk", got.wakes, got.err)
	}
}

func TestAwaitRecordsDoesNotKeepReadsFromTheirConnections(t *testing.T) {
	fake, client := oneBroker(t, 1)
	var waits []<-chan awaited
	for range kafka.DefaultMaxConnectionsPerBroker + 2 {
		fake.Requests()
		waits = append(waits, await(t, client, lag.End, longWait, waitsOf("t0", 0)...))
		untilTaken(t, fake)
	}
	if got := readOffsets(t, client, lag.End, allOf(1, 1))[tp("t0", 0)]; got.Err != nil {
		t.Error(got.Err)
	}
	if stats := client.Stats(); len(stats) != 1 || stats[0].Waiting != len(waits) || stats[0].Open != len(waits)+1 {
		t.Errorf("connections %+v, want %d that wait and one more", stats, len(waits))
	}
	fake.Produce(t, "t0", 0, 1)
	for _, w := range waits {
		if got := <-w; got.err != nil || len(got.wakes) != 1 {
			t.Errorf("got %v, %v", got.wakes, got.err)
		}
	}
}

func TestAwaitRecordsEndsWithItsContextAndItsClient(t *testing.T) {
	fake, client := oneBroker(t, 1)
	ctx, cancel := context.WithCancel(within(t, callTime))
	fake.Requests()
	done := make(chan error, 1)
	go func() {
		_, err := client.AwaitRecords(ctx, 0, lag.End, waitsOf("t0", 0), longWait)
		done <- err
	}()
	untilTaken(t, fake)
	cancel()
	wantKind(t, <-done, fault.Unavailable)
	fake.Requests()
	closed := await(t, client, lag.End, longWait, waitsOf("t0", 0)...)
	untilTaken(t, fake)
	client.Close()
	wantKind(t, (<-closed).err, fault.Unavailable)
	wantKind(t, (<-await(t, client, lag.End, longWait, waitsOf("t0", 0)...)).err, fault.Unavailable)
}

func TestAwaitRecordsDoesNotWaitForASilentBrokerWithoutEnd(t *testing.T) {
	fake := fakekafka.Start(t, 1, kfake.SeedTopics(1, "t0"))
	client := newClient(t, fake, func(c *kafka.Config) { c.RequestTimeout = 100 * time.Millisecond })
	if _, err := client.Topics(within(t, callTime), []string{"t0"}); err != nil {
		t.Fatal(err)
	}
	fake.Hang(0)
	defer fake.Resume(0)
	wantKind(t, (<-await(t, client, lag.End, 100*time.Millisecond, waitsOf("t0", 0)...)).err, fault.Unavailable)
}

func TestLeaders(t *testing.T) {
	fake := seeded(t, 1, 3)
	client := newClient(t, fake)
	if _, ok := client.Leaders("t0")(0); ok {
		t.Error("a leader is known before anything was asked")
	}
	if err := client.FindLeaders(within(t, callTime), []string{"t0"}); err != nil {
		t.Fatal(err)
	}
	for p := range int32(3) {
		if node, ok := client.Leaders("t0")(p); !ok || node != p {
			t.Errorf("partition %d is led by %d (known: %v), want %d", p, node, ok, p)
		}
	}
	if err := fake.MoveTopicPartition("t0", 1, 2); err != nil {
		t.Fatal(err)
	}
	if err := client.FindLeaders(within(t, callTime), []string{"t0"}); err != nil {
		t.Fatal(err)
	}
	if node, _ := client.Leaders("t0")(1); node != 2 {
		t.Errorf("partition 1 is led by %d, want 2, where it has moved", node)
	}
	if _, ok := client.Leaders("t0")(3); ok {
		t.Error("a partition that there is not has a leader")
	}
}
