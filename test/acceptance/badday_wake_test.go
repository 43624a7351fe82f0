//go:build realkafka

package acceptance

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
)

// TestWakeAfterTheLeaderIsLost: wherever the leader goes, the stream follows.
func TestWakeAfterTheLeaderIsLost(t *testing.T) {
	heal(t)
	ctx := scene(t)
	must(t,
		cluster.CreateTopic(ctx, "wake-lost", 1, 3, nil),
		cluster.Reassign(ctx, "wake-lost", 0, 2, 1, 3),
		cluster.Commit(ctx, "wake-lost", "wake-lost", map[int32]int64{0: 0}),
	)
	p := serve(t, sharedCluster(time.Second))
	produced := int64(0)
	wake := func(stream *sleeper) {
		t.Helper()
		must(t, cluster.Produce(ctx, "wake-lost", 0, 1))
		acknowledged := time.Now()
		produced++
		if late := stream.within(t, 30*time.Second, true).at.Sub(acknowledged); late > time.Second+recovery {
			t.Errorf("true came %v after the acknowledgement, want a refresh interval at most", late)
		}
		must(t, cluster.Commit(ctx, "wake-lost", "wake-lost", map[int32]int64{0: produced}))
		stream.within(t, 30*time.Second, false)
	}
	stream := openStream(ctx, t, p, trigger("wake-lost"))
	stream.silent(t, time.Second)
	wake(stream)
	for _, lose := range []struct {
		name string
		do   func() error
	}{
		{"killed", cluster.Broker(2).Kill},
		{"paused", cluster.Broker(2).Pause},
		{"stopped", func() error { return cluster.Broker(2).Stop(ctx) }},
	} {
		t.Log("the leader is", lose.name)
		must(t, cluster.MoveLeader(ctx, "wake-lost", 0, 2))
		wake(stream)
		must(t, lose.do())
		persist(ctx, endsRead("wake-lost"))
		wake(stream)
		if lose.name == "paused" {
			must(t, cluster.Broker(2).Resume())
		} else {
			must(t, cluster.Broker(2).Restart(ctx))
		}
		must(t, cluster.WaitInSync(ctx))
		wake(stream)
	}
	p.process.Stop(20 * time.Second)
	if err := <-stream.ended; err != io.EOF { //nolint:errorlint // gRPC returns it bare
		t.Errorf("the stream of a scaler that stops ends with %v, want OK", err)
	}
}

// TestWakeWithoutTheCoordinator kills a broker that coordinates the groups, and
// leads some of their topics. What had been committed still counts, so that records
// wake at once, and nothing else is said.
func TestWakeWithoutTheCoordinator(t *testing.T) {
	heal(t)
	ctx := scene(t)
	// maxSnapshotAge is the default again: unless commits are read again in time, nothing is known.
	lay := func(topic string, committed int64, replicas ...int32) map[string]string {
		must(t,
			cluster.MoveCoordinator(ctx, topic, 2),
			cluster.CreateTopic(ctx, topic, 1, int16(len(replicas)), nil),
			cluster.Reassign(ctx, topic, 0, replicas...),
			cluster.Produce(ctx, topic, 0, 3),
			cluster.Commit(ctx, topic, topic, map[int32]int64{0: committed}),
		)
		return trigger(topic, "maxSnapshotAge", maxSnapshotAge.String())
	}
	orphan, led := lay("wake-orphan", 3, 1, 3), lay("wake-orphan-led", 3, 2, 1, 3)
	quiet, busy := lay("wake-orphan-quiet", 3, 2, 1, 3), lay("wake-orphan-busy", 0, 1, 3)
	p := serve(t, sharedCluster(time.Second))
	open := func(metadata map[string]string) *sleeper { return openStream(ctx, t, p, metadata) }
	sleeps, sleepsLed, sleepsOn, works := open(orphan), open(led), open(quiet), open(busy)
	works.within(t, 10*time.Second, true)
	p.awaits(t, "shared", 3)
	sleeps.silent(t, time.Second) // by then followers know the commits, see TestCoordinatorLost

	must(t, cluster.Broker(2).Kill(), cluster.Produce(ctx, "wake-orphan", 0, 1))
	acknowledged := time.Now()
	if late := sleeps.within(t, 30*time.Second, true).at.Sub(acknowledged); late > time.Second+recovery {
		t.Errorf("with the coordinator gone, true came %v after the acknowledgement", late)
	}
	must(t, cluster.Produce(ctx, "wake-orphan-led", 0, 1)) // when the topic has a leader
	persist(ctx, func(ctx context.Context) error {
		return cluster.Commit(ctx, "wake-orphan", "wake-orphan", map[int32]int64{0: 4})
	}) // when the group has a coordinator
	healed := time.Now()
	if late := sleepsLed.within(t, 30*time.Second, true).at.Sub(healed); late > time.Second+recovery {
		t.Errorf("with the coordinator and the leader lost, true came %v after there were others", late)
	}
	sleeps.falls(t, 30*time.Second)
	must(t, cluster.Produce(ctx, "wake-orphan", 0, 1))
	sleeps.within(t, 10*time.Second, true)
	must(t, cluster.Broker(2).Restart(ctx), cluster.WaitInSync(ctx))
	sleepsOn.silent(t, 2*time.Second)
	works.saysOnly(t, true)
}

// TestClientGoneWithoutAWord: a KEDA whose machine has gone closes no connection.
// Its streams end all the same, and their waits with them; those of others stay.
func TestClientGoneWithoutAWord(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	for topic, leader := range map[string]int32{"wake-gone": 3, "wake-stays": 1} {
		must(t,
			cluster.CreateTopic(ctx, topic, 1, 1, nil),
			cluster.Reassign(ctx, topic, 0, leader), // apart, since a wait of which some is wanted goes on
			cluster.Commit(ctx, topic, topic, map[int32]int64{0: 0}),
		)
	}
	p := serve(t, sharedCluster(time.Second))
	stays := openStream(ctx, t, p, trigger("wake-stays"))
	p.awaits(t, "shared", 1)
	before := p.settled(t)
	address := freeAddress(t)
	var cut atomic.Bool
	forward(t, address, p.address, &cut)
	gone, _ := p.reconnected(t, address)
	for range 20 {
		openStream(ctx, t, gone, trigger("wake-gone"))
	}
	p.awaits(t, "shared", 2)
	cut.Store(true)
	silent := time.Now()
	p.awaits(t, "shared", 1)
	t.Logf("the wait was gone %v after the client", time.Since(silent).Round(time.Second))
	p.leavesNothing(t, before, len(cluster.Brokers()))
	must(t, cluster.Produce(ctx, "wake-stays", 0, 1))
	stays.within(t, 10*time.Second, true)
}

// TestKEDARestartsWithManyStreams has the streams of 2,000 ScaledObjects come, be dropped, and come again.
func TestKEDARestartsWithManyStreams(t *testing.T) {
	ctx := scene(t)
	const streams, topics, groups = 2000, 20, 200
	var names []string
	for i := range topics {
		names = append(names, fmt.Sprintf("wake-many-%d", i))
	}
	must(t, cluster.CreateTopics(ctx, names, 5, 1, nil))
	var setUp errgroup.Group
	setUp.SetLimit(4)
	for i := range groups {
		setUp.Go(func() error {
			return cluster.Commit(ctx, fmt.Sprintf("wake-many-%d", i), names[i%topics], map[int32]int64{0: 0, 1: 0, 2: 0, 3: 0, 4: 0})
		})
	}
	must(t, setUp.Wait())
	// So few connections that a wait for each of 10 partitions has not enough of them.
	p := serve(t, sharedCluster(5*time.Second)+"    waitShardSize: 10\n    maxWaitConnectionsPerBroker: 2\n")
	connections := float64(len(cluster.Brokers()) * (kafka.DefaultMaxConnectionsPerBroker + 2))
	openAll := func() (all []*sleeper, closes func()) {
		keda, closes := p.reconnected(t, p.address)
		for i := range streams {
			metadata := trigger(fmt.Sprintf("wake-many-%d", i%groups))
			metadata["topic"] = names[i%topics]
			all = append(all, openStreamOf(ctx, t, keda, fmt.Sprintf("many-%d", i), metadata))
		}
		return all, closes
	}
	all, drop := openAll()
	p.awaits(t, "shared", 5*topics)
	if m := p.metrics(t); m["kafka_scaler_waits"] > 6 || m["kafka_scaler_kafka_connections"] > connections {
		t.Errorf("%v waits on %v connections, want at most 6 on %v", m["kafka_scaler_waits"], m["kafka_scaler_kafka_connections"], connections)
	}
	before := p.settled(t)
	works := func(i int) bool { return i%topics%2 == 0 }
	for i, name := range names {
		if works(i) {
			must(t, cluster.Produce(ctx, name, int32(i%5), 1))
		}
	}
	for i, s := range all {
		if works(i) {
			s.within(t, 20*time.Second, true)
		}
	}
	drop()
	all, _ = openAll()
	for i, s := range all {
		if works(i) {
			s.within(t, 20*time.Second, true)
		}
	}
	all[1].silent(t, 2*time.Second)
	for i, s := range all {
		if works(i) {
			s.saysOnly(t, true)
		} else {
			s.silent(t, 0)
		}
	}
	p.leavesNothing(t, before, len(cluster.Brokers()))
	for i, name := range names {
		if !works(i) {
			must(t, cluster.Produce(ctx, name, int32(i%5), 1))
		}
	}
	for i, s := range all {
		if !works(i) {
			s.within(t, 20*time.Second, true)
		}
	}
}
