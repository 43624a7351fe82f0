package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/e2e/harness"
	"github.com/kafka-scaler/kafka-scaler/e2e/timeline"
)

// latencyExample is the manifest that users of targetLatency begin with.
const latencyExample = "latency.yaml"

// firstNumber is how long the planner of a new trigger may take for its first number: it watches for a minute, and
// decides at multiples of 15 s.
const firstNumber = 60*time.Second + 15*time.Second + reaction

// planned is what `explain -o json` says about a trigger, as far as these scenarios look at it.
type planned struct {
	MetricName string `json:"metricName"`
	Error      string `json:"error"`
	Decision   struct {
		Value, Target, Replicas, MaxReplicas int64
		Limit                                string
		Active                               bool
		Steps                                []struct {
			Rule          string
			Before, After int64
			Reason        string
		}
	} `json:"decision"`
}

// explain asks the running scaler about a workload, from the memory that it answers KEDA from.
func explain(s *harness.Scene, w *harness.Workload) planned {
	s.T.Helper()
	text, err := s.Scaler.Explain(s.T.Context(), w.Manifest)
	if err != nil {
		s.T.Fatal(err)
	}
	var all []planned
	if err := json.Unmarshal([]byte(text), &all); err != nil || len(all) != 1 {
		s.T.Fatalf("explain: %v in %s", err, text)
	}
	return all[0]
}

// String is the decision with its steps.
func (p planned) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "value %d, target %d, replicas %d of %d, limit %q, active %t %s",
		p.Decision.Value, p.Decision.Target, p.Decision.Replicas, p.Decision.MaxReplicas, p.Decision.Limit, p.Decision.Active, p.Error)
	for _, step := range p.Decision.Steps {
		fmt.Fprintf(&b, "\n  %s: %d -> %d: %s", step.Rule, step.Before, step.After, step.Reason)
	}
	return b.String()
}

// waitPlanned waits until the scaler tells KEDA a number of replicas.
func waitPlanned(s *harness.Scene, w *harness.Workload) {
	s.T.Helper()
	s.Eventually(firstNumber, "the planner of "+w.Name+" has a number", func() bool {
		return len(s.Recorder.Series(w.Name+" told")) > 0
	})
}

// waitLands waits until the HPA wants exactly the number of replicas that explain says, and that is n.
func waitLands(s *harness.Scene, w *harness.Workload, n int, within time.Duration) {
	s.T.Helper()
	w.WaitReplicas(n, within)
	var p planned
	var hpa int32
	agree := func() bool {
		p, hpa = explain(s, w), w.HPA().Status.DesiredReplicas
		return p.Decision.Replicas == int64(n) && hpa == int32(n)
	}
	for end := time.Now().Add(5 * time.Second); !agree(); s.Wait(time.Second) {
		if time.Now().After(end) {
			s.T.Errorf("want %d replicas: the HPA wants %d, and explain says %s", n, hpa, p)
			return
		}
	}
	s.T.Logf("%d replicas, as the HPA wants: %s", n, p)
}

// assertNumbered demands that there was a number of replicas from a time on, from 1 to most.
func assertNumbered(s *harness.Scene, w *harness.Workload, since time.Time, most int) {
	s.T.Helper()
	for _, p := range s.Recorder.Series(w.Name + " told") {
		if p.At.After(since) && (p.Value < 1000 || p.Value > float64(most*1000)) {
			s.T.Errorf("KEDA was told %g thousandths of a replica", p.Value)
		}
	}
	if h := w.History(); h.Max() > most {
		s.T.Errorf("replicas %s: %d are of use", h, most)
	}
	if name := w.HPA().Spec.Metrics[0].External.Metric.Name; !strings.HasSuffix(name, "-replicas") {
		s.T.Errorf("the metric is called %s", name)
	}
}

// failures is how often the scaler has had no number for KEDA, and said so. KEDA makes an event of it, but only one of many.
func failures(s *harness.Scene) float64 {
	var total float64
	for _, code := range []string{"Unavailable", "FailedPrecondition", "InvalidArgument", "PermissionDenied", "DeadlineExceeded", "Internal", "Unknown"} {
		// One that never was has no series.
		if n, err := s.Scaler.Metric("grpc_server_handled_total", `grpc_method="GetMetrics"`, `grpc_code="`+code+`"`); err == nil {
			total += n
		}
	}
	return total
}

// TestLatencyMetricsHPA is TestMetricsHPA with targetLatency as the only key that says how to scale.
func TestLatencyMetricsHPA(t *testing.T) {
	s := world.Scene(t, "latency-metrics-hpa", "3. kafka_metrics_hpa with targetLatency alone: 30 records/s, then 100, then 10; 50 a replica",
		"1 replica for a load that one can bear, 3 for both producers, 1 when little is left and 0 when nothing is: one way up and one way down",
		"the HPA lands exactly on the number that explain says",
		"from the first number on KEDA is told from 1 to 3 replicas, and no answer fails")
	const name = "consumer"
	topic := s.Group(name)
	createTopic(t, s, topic, 3, nil)
	s.Panel("records", timeline.Line{Series: name + " lag", Label: "lag"})
	s.Panel("replicas", stepLine(name+" replicas", "replicas"), timeline.Line{Series: name + " metric", Label: "metric", Step: true, Dashed: true})
	c := consumer(s, name, topic, 0)
	c.BatchSize, c.BatchPause = 100, 2*time.Second
	spec := harness.Spec{
		Name: name, Topics: []string{topic}, StartDelay: time.Second, Work: c.Work, Example: latencyExample,
		// A change is priced so that what would be worth its while in hours is worth it in minutes.
		Change: change(3, map[string]string{"targetLatency": "30s", "maxReplicas": "", "changePrice": "10", "offsetResetPolicy": "earliest"}),
	}
	spec.Change.ExampleBehavior, spec.Change.CooldownPeriod = true, 20
	w := s.Deploy(spec)
	waitPlanned(s, w)
	failed := failures(s)
	if failed == 0 {
		t.Error("no answer failed in the first minute, when there is no number yet: are failures looked for in the right place?")
	}
	began := s.Recorder.Event("30 records/s")
	p := produce(t, s, topic, 30)
	waitLands(s, w, 1, reaction)
	s.Wait(30 * time.Second)
	if h := w.History(); h.Max() > 1 {
		t.Errorf("replicas %s under a load that one can bear", h)
	}
	second := s.Recorder.Event("100 records/s")
	p.SetRate(100)
	waitLands(s, w, 3, 60*time.Second)
	at, _ := w.History().Since(second).First(3)
	s.Figure("second producer to 3 replicas: %.1f s", at.Sub(second).Seconds())
	s.Wait(20 * time.Second)
	little := s.Recorder.Event("10 records/s")
	p.SetRate(10)
	waitLands(s, w, 1, 5*time.Minute)
	s.Figure("less load to 1 replica: %.1f s", time.Since(little).Seconds())
	done := s.Recorder.Event("no load")
	finish(t, p)
	w.WaitReplicas(0, 60*time.Second)
	s.Figure("at 0 replicas %.1f s after the load", time.Since(done).Seconds())
	s.Figure("replicas: %s", w.History())
	if h := w.History(); h.Turns() != 1 {
		t.Errorf("replicas %s: want one way up and one down", h)
	}
	if lag := w.Lag(); lag != 0 {
		t.Errorf("asleep with a lag of %d", lag)
	}
	assertNumbered(s, w, began, 3)
	if now := failures(s); now != failed {
		t.Errorf("%.0f answers to KEDA failed after the first number", now-failed)
	}
}
