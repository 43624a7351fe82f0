package e2e

import (
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/e2e/harness"
	"github.com/kafka-scaler/kafka-scaler/e2e/timeline"
)

// TestMetricsHPA is the experiment of SataQiu/kafka_metrics_hpa: 3 partitions, a consumer that takes 100
// records and rests for 2 s, one producer of 50 records/s, then two. There, an HPA sees the smallest lag of
// the last hour, so that more replicas come when the lag has been high for an hour.
func TestMetricsHPA(t *testing.T) {
	s := world.Scene(t, "metrics-hpa", "3. kafka_metrics_hpa: 50 records/s, then 100, 50 a replica",
		"one producer needs no more than 2 replicas; with the second, 3 replicas come within 30 s of the lag passing one replica's share",
		"then back to 1 when the producers are done, and to 0: one way up and one way down")
	const (
		name      = "consumer"
		threshold = 200
	)
	topic := s.Group(name)
	createTopic(t, s, topic, 3, nil)
	s.Panel("records", timeline.Line{Series: name + " lag", Label: "lag"}, stepLine(name+" metric", "metric"),
		timeline.Line{Series: "rival", Label: "the original's HPA:\nlowest lag of an hour", Dashed: true})
	replicaPanel(s, name)
	c := consumer(s, name, topic, 0)
	c.BatchSize, c.BatchPause = 100, 2*time.Second
	spec := harness.Spec{
		Name: name, Topics: []string{topic}, StartDelay: time.Second, Work: c.Work,
		Change: change(3, map[string]string{"lagThreshold": "200", "offsetResetPolicy": "earliest"}),
	}
	// Lag comes and goes in bursts of 100 here: the HPA looks at the largest need of the last 15 s. KEDA waits
	// a little longer than that, so that the HPA has its turn first.
	spec.Change.StabilizationWindow, spec.Change.CooldownPeriod = 15, 20
	w := s.Deploy(spec)
	s.Recorder.Event("one producer")
	p := produce(t, s, topic, 50)
	w.WaitReplicas(1, reaction)
	s.Wait(20 * time.Second)
	if most := w.History().Max(); most > 2 {
		t.Errorf("%d replicas under a load that one can bear", most)
	}
	second := s.Recorder.Event("second producer")
	p.SetRate(100)
	w.WaitReplicas(3, 90*time.Second)
	at, _ := w.History().Since(second).First(3)
	over := lagOver(s, name, second, threshold)
	s.Figure("second producer to 3 replicas: %.1f s; %.1f s after the lag passed %d; the original: up to an hour",
		at.Sub(second).Seconds(), at.Sub(over).Seconds(), threshold)
	if took := at.Sub(over); took > 30*time.Second {
		t.Errorf("3 replicas came %s after the lag passed %d", took, threshold)
	}
	s.Wait(5 * time.Second)
	done := s.Recorder.Event("producers done")
	finish(t, p)
	w.WaitReplicas(1, 60*time.Second)
	w.WaitReplicas(0, 60*time.Second)
	s.Figure("back at 0 replicas %.1f s after the producers are done", time.Since(done).Seconds())
	if h := w.History(); h.Turns() != 1 {
		t.Errorf("replicas %s: want one way up and one down", h)
	}
	if lag := w.Lag(); lag != 0 {
		t.Errorf("asleep with a lag of %d", lag)
	}
	addRival(s, name)
}

// lagOver returns when the lag was first above a number after a time.
func lagOver(s *harness.Scene, workload string, after time.Time, lag float64) time.Time {
	for _, p := range s.Recorder.Series(workload + " lag") {
		if p.At.After(after) && p.Value > lag {
			return p.At
		}
	}
	return after
}

// addRival records what the original's query would have given:
// sum(min_over_time(kafka_consumergroup_lag[1h])), an hour being longer than the scenario.
func addRival(s *harness.Scene, workload string) {
	smallest := -1.0
	for _, p := range s.Recorder.Series(workload + " lag") {
		if smallest < 0 || p.Value < smallest {
			smallest = p.Value
		}
		s.Recorder.AddAt("rival", p.At, smallest)
	}
}
