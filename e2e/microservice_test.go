package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-scaler/kafka-scaler/e2e/agent"
	"github.com/kafka-scaler/kafka-scaler/e2e/harness"
	"github.com/kafka-scaler/kafka-scaler/e2e/load"
)

// TestScalableMicroservice is wuestkamp/scalable-microservice-demo: 200 ms a record, 5 records/s a pod.
func TestScalableMicroservice(t *testing.T) {
	t.Run("6 partitions", testSixPartitions)
	t.Run("280 pods", test280Pods)
}

// testSixPartitions is the demo as its code makes it: topics of 6 partitions, an HPA that goes far beyond.
func testSixPartitions(t *testing.T) {
	s := world.Scene(t, "microservice-6", "5. Scalable microservice demo: 6 partitions, 60 records/s, 5 a pod, up to 280 allowed",
		"6 replicas and no more, however large the lag", "explain names the partitions as the limit")
	const name = "approval"
	topic := s.Group(name)
	createTopic(t, s, topic, 6, nil)
	lagPanel(s, name)
	replicaPanel(s, name)
	w := s.Deploy(harness.Spec{
		Name: name, Topics: []string{topic}, StartDelay: time.Second, Work: consumer(s, name, topic, 200*time.Millisecond).Work,
		Change: change(280, map[string]string{"lagThreshold": "5", "offsetResetPolicy": "earliest"}),
	})
	s.Recorder.Event("60 records/s")
	p := produce(t, s, topic, 60)
	w.WaitReady(6, 30*time.Second)
	s.Wait(12 * time.Second)
	explained, err := s.Scaler.Explain(t.Context(), w.Manifest)
	if err != nil {
		t.Error(err)
	}
	if !strings.Contains(explained, `"limit": "partition_cap"`) || !strings.Contains(explained, "6 partitions feed at most 6 replicas") {
		t.Errorf("explain does not name the 6 partitions as the limit: %s", explained)
	}
	s.Recorder.Event("no load")
	finish(t, p)
	s.Figure("settled at %d replicas with a lag of %d", w.Replicas(), w.Lag())
	if h := w.History(); h.Max() != 6 || h.Turns() > 0 {
		t.Errorf("replicas %s: want a way up to 6", h)
	}
}

// microserviceRate is the demo's load in records a second, and exactly what 280 pods with 200 ms a record can do.
const microserviceRate = 1400

// test280Pods is the demo as its headline has it: 280 pods, and 23,000 events/s in the cluster.
func test280Pods(t *testing.T) {
	s := world.Scene(t, "microservice-280", "5. Scalable microservice demo: 280 partitions, 1,400 records/s",
		"0 -> 280 pods and back to 0 without a turn", "every record is consumed",
		"once every pod has its partition, they finish what they can, 1,400 records/s, within 5 %, and the lag grows no further",
		"the other topics get their 23,000 events/s meanwhile, within 10 %")
	const name = "approval"
	topic := s.Group(name)
	if err := s.Kafka.CreateTopic(t.Context(), topic, 280, 1, nil); err != nil {
		t.Fatal(err)
	}
	others := []string{s.Group("logins"), s.Group("clicks"), s.Group("views"), s.Group("carts")}
	for _, other := range others {
		if err := s.Kafka.CreateTopic(t.Context(), other, 6, 1, map[string]string{"retention.bytes": "50000000", "segment.bytes": "10000000"}); err != nil {
			t.Fatal(err)
		}
	}
	lagPanel(s, name)
	replicaPanel(s, name)
	w := s.Deploy(harness.Spec{
		Name: name, Topics: []string{topic}, StartDelay: time.Second, Work: manyMembers(consumer(s, name, topic, 200*time.Millisecond)).Work,
		Change: change(280, map[string]string{"lagThreshold": "10", "offsetResetPolicy": "earliest"}),
	})
	noise, err := load.Start(s.Kafka.Bootstrap(), 100, 23_000, others, kgo.ProducerLinger(100*time.Millisecond), kgo.ProducerBatchMaxBytes(512<<10))
	if err != nil {
		t.Fatal(err)
	}
	noiseBegan := time.Now()
	began := s.Recorder.Event("1,400 records/s, 23,000/s elsewhere")
	p, err := load.Start(s.Kafka.Bootstrap(), 100, microserviceRate, []string{topic}, load.Even(), kgo.ProducerLinger(500*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	w.WaitReplicas(280, time.Minute)
	s.Figure("0 -> 280 replicas asked for in %.1f s", time.Since(began).Seconds())
	w.WaitReady(280, 2*time.Minute)
	s.Figure("280 pods ready after %.1f s", time.Since(began).Seconds())
	w.WaitCommitted(280, time.Minute)
	s.Figure("every pod has finished records after %.1f s", time.Since(began).Seconds())
	assertKeepsUp(s, w, began)
	ended := s.Recorder.Event("no load")
	finish(t, p)
	events := float64(noise.Acknowledged()) / time.Since(noiseBegan).Seconds()
	s.Figure("events on other topics: %.0f/s", events)
	if events < 0.9*23_000 {
		t.Errorf("the other topics got %.0f events/s, want 23,000", events)
	}
	finish(t, noise)
	w.WaitReplicas(0, 4*time.Minute)
	s.Figure("back at 0 %.1f s after the load", time.Since(ended).Seconds())
	if h := w.History(); h.Turns() != 1 || h.Max() != 280 {
		t.Errorf("replicas %s: want one way up to 280 and one down", h)
	}
	if lag := w.Lag(); lag != 0 {
		t.Errorf("asleep with a lag of %d", lag)
	}
}

// assertKeepsUp demands that all pods together finish what they are able to, which is what comes in: what had
// piled up since the load began is then still there, but no more.
func assertKeepsUp(s *harness.Scene, w *harness.Workload, began time.Time) {
	s.T.Helper()
	from, before := time.Now(), w.Lag()
	s.Wait(20 * time.Second)
	finished, after := w.Throughput(from, time.Now()), w.Lag()
	s.Figure("finished by 280 pods: %.0f records/s; lag %d -> %d in these 20 s", finished, before, after)
	if finished < 0.95*microserviceRate {
		s.T.Errorf("280 pods finish %.0f records/s, want %d", finished, microserviceRate)
	}
	// Measured by the load, not by the lag before: where the brokers of a busy machine take records in late, the
	// lag is low for a while. A second's load lies between two commits.
	if most := microserviceRate * int64(from.Sub(began).Seconds()+1); after > most {
		s.T.Errorf("the lag is %d, more than the %d that came in before every pod worked", after, most)
	}
}

// manyMembers makes a consumer light enough to run 280 times in one process beside its brokers, on two cores:
// the group protocol in which the broker assigns (KIP-848). As the lag is dozens of records a partition, a fetch
// brings all of them. It must not wait for more: who has less lag than others would be idle meanwhile.
func manyMembers(c agent.Consumer) agent.Consumer {
	c.Options = []kgo.Opt{
		kgo.ServerSideBalancer(), kgo.Balancers(kgo.RangeBalancer()),
		kgo.FetchMaxWait(time.Second),
	}
	return c
}
