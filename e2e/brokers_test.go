package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"

	"github.com/kafka-scaler/kafka-scaler/e2e/harness"
	"github.com/kafka-scaler/kafka-scaler/e2e/timeline"
)

// TestMovingBrokers changes the brokers under a group that scales, as Yelp's platform does all the time:
// a decommission by reassignment, a new broker, a broker that dies, more partitions.
func TestMovingBrokers(t *testing.T) {
	for _, c := range []struct{ name, version string }{
		{"moving-brokers-kafka-4", kafkabroker.Current},
		{"moving-brokers-kafka-2", kafkabroker.Oldest},
	} {
		t.Run(c.version, func(t *testing.T) { moveBrokers(t, c.name, c.version) })
	}
}

const (
	partitionsBefore = 6
	partitionsAfter  = 12
)

func moveBrokers(t *testing.T, name, version string) {
	s := world.Scene(t, name, "6. Brokers that move, Kafka "+version+": one decommissioned, one added, one killed, partitions grown",
		"the replicas never drop and no pod is deleted, whatever happens to the brokers",
		"they rise to the 6 partitions, and to the 12 once there are 12",
		"what KEDA is told never falls by a quarter: the lag on a broker that is gone does not count as 0")
	own := s.OwnKafka(kafkabroker.Options{
		Version: version, Brokers: 3, Extra: map[string]string{"log.message.timestamp.type": "LogAppendTime"},
	})
	const worker = "worker"
	topic := s.Group(worker)
	createTopic(t, s, topic, partitionsBefore, nil)
	lagPanel(s, worker)
	replicaPanel(s, worker)
	// The load is above what all can do together, so the lag grows and fewer replicas are never right. It grows
	// slowly, so that the group is still scaling while the first broker goes.
	spec := harness.Spec{
		Name: worker, Topics: []string{topic}, StartDelay: time.Second, Work: consumer(s, worker, topic, 100*time.Millisecond).Work,
		Change: change(20, map[string]string{"lagThreshold": "150", "offsetResetPolicy": "earliest"}),
	}
	spec.Change.CooldownPeriod = kedaCooldown
	// While the group moves to another coordinator, commits wait; then they come at once, and the lag falls by
	// seconds of work. The HPA, which by default looks back for 300 s, does not act on that.
	spec.Change.StabilizationWindow = 10
	w := s.Deploy(spec)
	began := s.Recorder.Event("110 records/s")
	p := produce(t, s, topic, 110)
	w.WaitReplicas(1, reaction)

	s.Recorder.Event("decommission broker 3")
	decommission(t, s, topic)
	s.Recorder.Event("broker 3 is gone")
	w.WaitReplicas(partitionsBefore, time.Minute)

	s.Recorder.Event("add broker 4")
	added, err := own.AddBroker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for partition := range int32(2) {
		reassign(t, s, topic, partition, added.ID, 2)
	}
	killed := s.Recorder.Event("kill broker 1")
	killLeader(t, s, topic, own.Broker(1))
	s.Wait(10 * time.Second)
	s.Recorder.Event("broker 1 is back")
	if err := own.Broker(1).Restart(t.Context()); err != nil {
		t.Fatal(err)
	}

	grown := s.Recorder.Event("grow to 12 partitions")
	if err := own.AddPartitions(t.Context(), topic, partitionsAfter); err != nil {
		t.Fatal(err)
	}
	p.SetRate(250)
	w.WaitReplicas(partitionsAfter, time.Minute)
	at, _ := w.History().First(partitionsAfter)
	s.Figure("new partitions to 12 replicas: %.1f s", at.Sub(grown).Seconds())
	s.Wait(3 * time.Second)
	s.Recorder.Event("no load")
	// The dead broker was a leader when it went, and leaders acknowledge alone here: what it had not passed on is lost.
	if err := p.Stop(); err != nil {
		t.Logf("the load: %v", err)
	}
	s.Figure("replicas: %v; while broker 1 was dead: %v", w.History().Counts(), w.History().Since(killed).Until(grown).Counts())
	if drops := w.History().Drops(); len(drops) > 0 {
		t.Errorf("replicas dropped: %s", w.History())
	}
	if deleted := w.Deleted(began); len(deleted) > 0 {
		t.Errorf("pods were deleted: %v", deleted)
	}
	if from, to := deepestFall(s.Recorder.Series(worker + " told")); from == 0 || to < 0.75*from {
		t.Errorf("KEDA was told %.0f after %.0f, under a load that all replicas cannot bear", to, from)
	}
}

// deepestFall returns the two values of a series between which it falls most, relative to the first. Of one that
// never falls they are the same.
func deepestFall(points []timeline.Point) (from, to float64) {
	highest := 0.0
	for _, p := range points {
		highest = max(highest, p.Value)
		if from == 0 || p.Value/highest < to/from {
			from, to = highest, p.Value
		}
	}
	return from, to
}

// decommission moves all replicas off broker 3, those of the committed offsets too, and shuts it down.
func decommission(t *testing.T, s *harness.Scene, topic string) {
	t.Helper()
	for partition := range int32(partitionsBefore) {
		reassign(t, s, topic, partition, 1+partition%2, 2-partition%2)
	}
	const offsets, offsetsPartitions = "__consumer_offsets", 10
	for partition := range int32(offsetsPartitions) {
		reassign(t, s, offsets, partition, 2-partition%2, 1+partition%2)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Kafka.Broker(3).Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

func reassign(t *testing.T, s *harness.Scene, topic string, partition int32, replicas ...int32) {
	t.Helper()
	if err := s.Kafka.Reassign(t.Context(), topic, partition, replicas...); err != nil {
		t.Fatal(err)
	}
}

// killLeader kills a broker that leads a partition of the topic, and waits until another leads it.
func killLeader(t *testing.T, s *harness.Scene, topic string, broker *kafkabroker.Node) {
	t.Helper()
	if err := s.Kafka.WaitInSync(t.Context()); err != nil {
		t.Fatal(err)
	}
	led := int32(-1)
	for partition := range int32(partitionsBefore) {
		leader, err := s.Kafka.Leader(t.Context(), topic, partition)
		if err != nil {
			t.Fatal(err)
		}
		if leader == broker.ID {
			led = partition
		}
	}
	if led < 0 {
		t.Fatalf("broker %d leads nothing, its death would prove nothing", broker.ID)
	}
	if err := broker.Kill(); err != nil {
		t.Fatal(err)
	}
	s.Eventually(time.Minute, "another broker leads", func() bool {
		leader, err := s.Kafka.Leader(t.Context(), topic, led)
		return err == nil && leader != broker.ID && leader >= 0
	})
}
