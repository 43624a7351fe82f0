package e2e

import (
	"context"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/kafka-scaler/kafka-scaler/e2e/harness"
)

// TestDockerCoins has a downstream that all workers share, as the hasher of DockerCoins: a worker alone does
// 3.3 records/s, and however many there are, they never get more than 10. Lag alone cannot tell; so the loop
// goes to its maximum. What it must not do is flap. Holding at 3 is the latency policy's work, which is yet to come.
func TestDockerCoins(t *testing.T) {
	s := world.Scene(t, "dockercoins", "4. DockerCoins: 15 records/s wanted, the downstream gives 10, a worker alone 3.3",
		"the replicas rise to the 10 allowed and stay, without a turn",
		"10 replicas finish the 10 records/s of the downstream, within 25 %, and the lag goes on growing",
		"back to 0 when the work is done")
	const name = "worker"
	topic := s.Group(name)
	createTopic(t, s, topic, 10, nil)
	lagPanel(s, name)
	replicaPanel(s, name)
	downstream := rate.NewLimiter(10, 1)
	c := consumer(s, name, topic, 300*time.Millisecond)
	c.Slot = func(ctx context.Context) error { return downstream.Wait(ctx) }
	spec := harness.Spec{
		Name: name, Topics: []string{topic}, StartDelay: time.Second, Work: c.Work,
		Change: change(10, map[string]string{"lagThreshold": "15", "offsetResetPolicy": "earliest"}),
	}
	// Workers commit once a second. Where a busy machine makes several of them late, the lag falls by a replica's
	// share at once; the HPA, which by default looks back for 300 s, does not act on that.
	spec.Change.StabilizationWindow = 5
	w := s.Deploy(spec)
	began := s.Recorder.Event("15 records/s")
	p := produce(t, s, topic, 15)
	w.WaitReady(10, 90*time.Second)
	full := s.Recorder.Event("all 10 at work")
	lagThen := w.Lag()
	s.Wait(20 * time.Second)
	ended := s.Recorder.Event("no load")
	lagNow := w.Lag()
	finish(t, p)
	threeAt, _ := w.History().First(3)
	s.Figure("finished: %.1f records/s by 10 replicas; lag %d -> %d in these %.0f s", w.Throughput(full, ended), lagThen, lagNow, ended.Sub(full).Seconds())
	s.Figure("3 replicas after %.1f s, 10 after %.1f s", threeAt.Sub(began).Seconds(), full.Sub(began).Seconds())
	if turns := w.History().Until(ended).Turns(); turns > 0 {
		t.Errorf("replicas flap under a steady load: %s", w.History())
	}
	if got := w.Throughput(full, ended); got < 7.5 || got > 12.5 {
		t.Errorf("10 replicas finished %.1f records/s, the downstream gives 10", got)
	}
	if lagNow <= lagThen {
		t.Errorf("the lag went from %d to %d: this scenario is about replicas that do not help", lagThen, lagNow)
	}
	w.WaitReplicas(0, 2*time.Minute)
	if turns := w.History().Turns(); turns != 1 {
		t.Errorf("replicas turned %d times, want one way up and one down: %s", turns, w.History())
	}
}
