package e2e

import (
	"context"
	"log"
	"os"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/e2e/agent"
	"github.com/kafka-scaler/kafka-scaler/e2e/harness"
	"github.com/kafka-scaler/kafka-scaler/e2e/load"
	"github.com/kafka-scaler/kafka-scaler/e2e/product"
	"github.com/kafka-scaler/kafka-scaler/e2e/timeline"
)

// world is shared by all scenarios, which run one after the other.
var world *harness.World

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	began := time.Now()
	var err error
	if world, err = harness.Start(context.Background(), ".."); err != nil {
		log.Print(err)
		return 1
	}
	defer func() {
		if err := world.Stop(); err != nil {
			log.Print(err)
		}
	}()
	log.Printf("control plane, KEDA, Kafka and the scaler are up after %s", time.Since(began).Round(100*time.Millisecond))
	return m.Run()
}

// Periods of the scenarios, far shorter than in production.
const (
	pollingInterval = 1 // seconds
	cooldownPeriod  = 3 // seconds
	// reaction is how long a change of lag may take to become a change of replicas: the scaler's refresh,
	// KEDA's poll and the HPA's period are a second each, and the machine may be busy.
	reaction = 15 * time.Second
)

// change is a ScaledObject's difference from the shipped example.
func change(most int, metadata map[string]string) product.Change {
	return product.Change{Max: most, PollingInterval: pollingInterval, CooldownPeriod: cooldownPeriod, Metadata: metadata}
}

// consumer is a member of a workload's group.
func consumer(s *harness.Scene, workload, topic string, serviceTime time.Duration) agent.Consumer {
	return agent.Consumer{Bootstrap: s.Kafka.Bootstrap(), Group: s.Group(workload), Topics: []string{topic}, ServiceTime: serviceTime}
}

// createTopic creates a topic with a replica on every broker.
func createTopic(t *testing.T, s *harness.Scene, topic string, partitions int32, config map[string]string) {
	t.Helper()
	if err := s.Kafka.CreateTopic(t.Context(), topic, partitions, int16(len(s.Kafka.Brokers())), config); err != nil {
		t.Fatal(err)
	}
}

// produce starts a load on the topic of a group, evenly over its partitions.
func produce(t *testing.T, s *harness.Scene, topic string, rate int64) *load.Producer {
	t.Helper()
	p, err := load.Start(s.Kafka.Bootstrap(), 100, rate, []string{topic}, load.Even())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// finish stops a load; every record has to be in Kafka then.
func finish(t *testing.T, p *load.Producer) {
	t.Helper()
	if err := p.Stop(); err != nil {
		t.Errorf("the load: %v", err)
	}
}

// lagPanel shows the lag of all workloads of a scene, and what the HPA made the metric of.
func lagPanel(s *harness.Scene, workloads ...string) {
	lagLines(s, len(workloads) > 1, workloads)
}

// lagPanelOf is lagPanel for one of several workloads.
func lagPanelOf(s *harness.Scene, workload string) { lagLines(s, true, []string{workload}) }

func lagLines(s *harness.Scene, named bool, workloads []string) {
	label := func(what, workload string) string {
		if named {
			what += ", " + workload
		}
		return what
	}
	var lines []timeline.Line
	for i, name := range workloads {
		lines = append(lines, timeline.Line{Series: name + " lag", Label: label("lag", name), Colour: i + 1})
	}
	for i, name := range workloads {
		colour := i + 1
		if len(workloads) == 1 {
			colour = 2
		}
		lines = append(lines, timeline.Line{Series: name + " metric", Label: label("metric", name), Step: true, Dashed: true, Colour: colour})
	}
	s.Panel("records", lines...)
}

// replicaPanel shows the replicas of workloads; of a single one also how many are ready.
func replicaPanel(s *harness.Scene, workloads ...string) {
	var lines []timeline.Line
	for i, name := range workloads {
		lines = append(lines, timeline.Line{Series: name + " replicas", Label: name, Step: true, Dashed: i > 0})
	}
	if len(workloads) == 1 {
		lines[0].Label = "replicas"
		lines = append(lines, timeline.Line{Series: workloads[0] + " ready", Label: "ready", Step: true, Dashed: true})
	}
	s.Panel("replicas", lines...)
}

// stepLine is a series that holds its value until the next one.
func stepLine(series, label string) timeline.Line {
	return timeline.Line{Series: series, Label: label, Step: true}
}
