//go:build realkafka

package acceptance

import (
	"strconv"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// TestWaitsFollowLeaders moves a leader within the replicas, and then away from all
// of them. With a refresh every half minute, only a wait can be in time.
func TestWaitsFollowLeaders(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	must(t,
		cluster.CreateTopic(ctx, "wake-moves", 1, 2, nil),
		cluster.Reassign(ctx, "wake-moves", 0, 1, 2),
		cluster.Commit(ctx, "wake-moves", "wake-moves", map[int32]int64{0: 0}),
	)
	p := serve(t, sharedCluster(30*time.Second))
	moves := []func() error{
		func() error { return nil },
		func() error { return cluster.MoveLeader(ctx, "wake-moves", 0, 2) },
		func() error { return cluster.Reassign(ctx, "wake-moves", 0, 3) },
	}
	var streams []*sleeper
	for i := range moves { // each sleeps on until one record more has come
		streams = append(streams, openStream(ctx, t, p, trigger("wake-moves", "activationLagThreshold", strconv.Itoa(i))))
	}
	p.awaits(t, "shared", 1)
	for i, move := range moves {
		must(t, move())
		streams[i].silent(t, time.Second)
		must(t, cluster.Produce(ctx, "wake-moves", 0, 1))
		streams[i].within(t, 10*time.Second, true)
	}
}

// TestWaitsFollowTopics grows a topic, deletes it and makes it again. Growth is found
// by the regular look at topics, the rest by the refresh: a broker tells nobody.
func TestWaitsFollowTopics(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	must(t, cluster.CreateTopic(ctx, "wake-mayfly", 1, 3, nil), cluster.Commit(ctx, "wake-mayfly", "wake-mayfly", map[int32]int64{0: 0}))
	p := serve(t, "refresh: {topicsInterval: 1s}\nclusters:\n"+
		clusterEntry("shared", cluster.Bootstrap()...)+clusterEntry("polled", cluster.Bootstrap()...)+"  pushActivation: poll\n")
	awaited := openStream(ctx, t, p, trigger("wake-mayfly", "offsetResetPolicy", "earliest"))
	polled := openStream(ctx, t, p, trigger("wake-mayfly", "offsetResetPolicy", "earliest", "cluster", "polled"))
	both := func(do func(*sleeper)) { do(awaited); do(polled) }
	p.awaits(t, "shared", 1)

	must(t, cluster.AddPartitions(ctx, "wake-mayfly", 3))
	p.awaits(t, "shared", 3)
	both(func(s *sleeper) { s.silent(t, 0) })
	must(t, cluster.Produce(ctx, "wake-mayfly", 2, 1))
	both(func(s *sleeper) { s.within(t, 10*time.Second, true) })
	// What has lag is not waited on, until the group is idle again.
	p.awaits(t, "shared", 0)
	must(t, cluster.Commit(ctx, "wake-mayfly", "wake-mayfly", map[int32]int64{2: 1}))
	both(func(s *sleeper) { s.falls(t, 10*time.Second) })
	p.awaits(t, "shared", 3)

	must(t, cluster.DeleteTopic(ctx, "wake-mayfly"))
	p.awaits(t, "shared", 0)
	must(t, cluster.CreateTopic(ctx, "wake-mayfly", 2, 3, nil))
	p.awaits(t, "shared", 2)
	both(func(s *sleeper) { s.silent(t, time.Second) })
	must(t, cluster.Produce(ctx, "wake-mayfly", 1, 1))
	both(func(s *sleeper) { s.within(t, 10*time.Second, true) })
	if m := p.metrics(t); m[`kafka_scaler_wakes_total{cluster="polled"}`] != 0 || m[`kafka_scaler_waits{cluster="polled"}`] != 0 {
		t.Error("a cluster that is to be polled is waited on")
	}
}

// TestWaitBeyondTheEnd: the broker says at once that a log has become shorter.
func TestWaitBeyondTheEnd(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	must(t, cluster.CreateTopic(ctx, "wake-beyond", 1, 1, nil), cluster.Produce(ctx, "wake-beyond", 0, 5))
	client, _ := newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
	must(t, client.FindLeaders(ctx, []string{"wake-beyond"}))
	leader, _ := client.Leaders("wake-beyond")(0)
	tp := lag.TopicPartition{Topic: "wake-beyond", Partition: 0}
	wakes, err := client.AwaitRecords(ctx, leader, lag.End, []lag.LogWait{{TopicPartition: tp, Offset: 9}}, time.Minute)
	if err != nil || len(wakes) != 1 || wakes[0].Reason != lag.WakeShrunk || wakes[0].TopicPartition != tp {
		t.Errorf("a wait for offset 9 of a log of 5 records: %+v, %v; want one that has shrunk", wakes, err)
	}
}

// TestWakeAfterALogHasLostItsEnd elects a leader that was not in sync, with a log
// that lacks records which the streams have counted already.
func TestWakeAfterALogHasLostItsEnd(t *testing.T) {
	heal(t)
	ctx := scene(t)
	must(t,
		cluster.CreateTopic(ctx, "wake-cut", 1, 2, map[string]string{"unclean.leader.election.enable": "true"}),
		cluster.Reassign(ctx, "wake-cut", 0, 2, 3),
		cluster.MoveCoordinator(ctx, "wake-cut", 1),
		cluster.Produce(ctx, "wake-cut", 0, 5),
		cluster.Commit(ctx, "wake-cut", "wake-cut", map[int32]int64{0: 5}),
	)
	p := serve(t, sharedCluster(30*time.Second))
	metadata := trigger("wake-cut", "activationLagThreshold", "3")
	stream := openStream(ctx, t, p, metadata)
	p.awaits(t, "shared", 1)
	lags := func(n int64) func() bool {
		return func() bool {
			got, err := p.evaluate(ctx, t, metadata)
			return err == nil && got == outcome{n, n > 3}
		}
	}
	must(t, cluster.Broker(3).Kill(), cluster.Produce(ctx, "wake-cut", 0, 3))
	eventually(t, lags(3))
	must(t, cluster.Broker(2).Kill(), cluster.Broker(3).Restart(ctx))
	persist(ctx, endsRead("wake-cut"))
	if ends, err := cluster.EndOffsets(ctx, "wake-cut"); err != nil || ends[0] != 5 {
		t.Fatalf("the log ends at %v, %v; want 5: nothing has been cut off", ends, err)
	}
	eventually(t, lags(0))
	p.awaits(t, "shared", 1)
	stream.silent(t, 0)
	must(t, cluster.Produce(ctx, "wake-cut", 0, 4))
	stream.within(t, 10*time.Second, true)
}
