package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

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
