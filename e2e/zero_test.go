package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-scaler/kafka-scaler/e2e/harness"
)

// TestZeroToManyToZero wakes workloads, floods them and lets them sleep again.
func TestZeroToManyToZero(t *testing.T) {
	t.Run("external", func(t *testing.T) {
		// KEDA looks once a second, at a snapshot that is refreshed once a second.
		wakeAndSleep(t, wakeCase{name: "zero-external", trigger: "external", polling: 1, rounds: 3, goal: 4 * time.Second})
	})
	t.Run("external-push", func(t *testing.T) {
		// KEDA's own look is so rare that only the stream can wake in time.
		c := wakeCase{name: "zero-external-push", trigger: harness.Push, polling: 15, rounds: 3, goal: 3 * time.Second}
		if world.Scaler.Has("pushActivation") {
			c.goal = 50 * time.Millisecond
		}
		wakeAndSleep(t, c)
	})
	t.Run("flood", testFlood)
	t.Run("scaled-job", testScaledJob)
}

type wakeCase struct {
	name, trigger string
	// polling is KEDA's pollingInterval in seconds.
	polling, rounds int
	// goal is what half of the wakes of a series of rounds have to be faster than.
	goal time.Duration
}

// mostSeries is how often the wakes are measured again where a busy machine made them slow: what one series
// reaches the product can do, and a product that cannot never does.
const mostSeries = 3

// wakeAndSleep produces a single record to sleeping workloads, again and again, and measures until spec.replicas is 1.
func wakeAndSleep(t *testing.T, c wakeCase) {
	s := world.Scene(t, c.name, fmt.Sprintf("2. 0 -> 1 -> 0, %s, pollingInterval %d s", c.trigger, c.polling),
		fmt.Sprintf("half of the wakes are faster than %s, produce to spec.replicas=1", c.goal),
		"every cycle is 0, 1, 0: no flapping, and no sleep before cooldownPeriod is over")
	var workloads []*harness.Workload
	var names []string
	for i := range 4 {
		name := fmt.Sprintf("worker-%d", i)
		topic := s.Group(name)
		createTopic(t, s, topic, 3, nil)
		spec := harness.Spec{Name: name, Topics: []string{topic}, Change: change(3, map[string]string{"offsetResetPolicy": "earliest"})}
		spec.Change.Type, spec.Change.PollingInterval = c.trigger, c.polling
		spec.Work = consumer(s, name, topic, 10*time.Millisecond).Work
		workloads, names = append(workloads, s.Deploy(spec)), append(names, name)
	}
	lagPanelOf(s, names[0])
	replicaPanel(s, names...)
	rounds, reached := 0, false
	for series := 0; series < mostSeries && !reached; series++ {
		wakes := wakeSeries(t, s, c, workloads)
		rounds += c.rounds
		half, worst := wakes[len(wakes)/2], wakes[len(wakes)-1]
		s.Figure("produce to spec.replicas=1: p50 %s, max %s (%d wakes)", half.Round(time.Millisecond), worst.Round(time.Millisecond), len(wakes))
		reached = half < c.goal
	}
	if !reached {
		t.Errorf("half of the wakes take %s or more", c.goal)
	}
	var sleeps []time.Duration
	for _, w := range workloads {
		h := w.History()
		if want := slices.Concat([]int{0}, slices.Repeat([]int{1, 0}, rounds)); !slices.Equal(h.Counts(), want) {
			t.Errorf("%s: replicas %v, want %v", w.Name, h.Counts(), want)
		}
		sleeps = append(sleeps, awake(h)...)
	}
	s.Figure("time at 1 replica for one record: min %s, max %s", slices.Min(sleeps).Round(time.Millisecond), slices.Max(sleeps).Round(time.Millisecond))
	// KEDA counts in whole seconds, from the last time that it saw the trigger active.
	if shortest := slices.Min(sleeps); shortest < (cooldownPeriod-1)*time.Second {
		t.Errorf("a workload slept after %s, before its cooldown of %d s", shortest, cooldownPeriod)
	}
}

// wakeSeries wakes each workload once a round and returns how long that took each time, the fastest first.
func wakeSeries(t *testing.T, s *harness.Scene, c wakeCase, workloads []*harness.Workload) []time.Duration {
	t.Helper()
	var wakes []time.Duration
	for range c.rounds {
		for _, w := range workloads {
			// KEDA looks right after it has put a workload to sleep, and then not for pollingInterval.
			s.Wait(500 * time.Millisecond)
			wakes = append(wakes, wake(t, s, w))
		}
		for _, w := range workloads {
			w.WaitReplicas(0, time.Duration(2*c.polling+cooldownPeriod)*time.Second+2*reaction)
		}
	}
	slices.Sort(wakes)
	return wakes
}

// wake produces one record and returns how long it took until spec.replicas was 1.
func wake(t *testing.T, s *harness.Scene, w *harness.Workload) time.Duration {
	t.Helper()
	if got := w.Replicas(); got != 0 {
		t.Fatalf("%s has %d replicas before its wake", w.Name, got)
	}
	produced := s.Recorder.Event("a record for " + w.Name)
	if err := s.Kafka.Produce(t.Context(), w.Topics[0], 0, 1); err != nil {
		t.Fatal(err)
	}
	w.WaitReplicas(1, time.Duration(w.Change.PollingInterval)*time.Second+2*reaction)
	at, _ := w.History().Since(produced).First(1)
	return at.Sub(produced)
}

// awake returns how long each stay above zero was.
func awake(h harness.History) []time.Duration {
	var stays []time.Duration
	for i := 1; i < len(h); i++ {
		if h[i].Replicas == 0 {
			stays = append(stays, h[i].At.Sub(h[i-1].At))
		}
	}
	return stays
}

// testFlood goes 0 -> 1 -> 6 -> 0 on one burst.
func testFlood(t *testing.T) {
	s := world.Scene(t, "zero-flood", "2. 0 -> 1 -> N -> 0: 3,000 records at once, 6 partitions, 100 records/s a replica",
		"one way up to 6 and one way down to 0, without a turn between", "every record is consumed")
	const name = "flooded"
	topic := s.Group(name)
	createTopic(t, s, topic, 6, nil)
	lagPanel(s, name)
	replicaPanel(s, name)
	spec := harness.Spec{
		Name: name, Topics: []string{topic}, StartDelay: time.Second, Work: consumer(s, name, topic, 10*time.Millisecond).Work,
		Change: change(10, map[string]string{"lagThreshold": "50", "offsetResetPolicy": "earliest"}),
	}
	spec.Change.Type = harness.Push
	w := s.Deploy(spec)
	began := s.Recorder.Event("3,000 records")
	for p := range int32(6) {
		if err := s.Kafka.Produce(t.Context(), topic, p, 500); err != nil {
			t.Fatal(err)
		}
	}
	w.WaitReplicas(6, reaction)
	at, _ := w.History().First(6)
	s.Figure("0 -> 6 in %.1f s from the first record", at.Sub(began).Seconds())
	w.WaitReplicas(0, time.Minute)
	s.Figure("back at 0 after %.1f s", time.Since(began).Seconds())
	h := w.History()
	if h.Turns() != 1 || h.Max() != 6 {
		t.Errorf("replicas %s: want one way up to 6 and one down", h)
	}
	if lag := w.Lag(); lag != 0 {
		t.Errorf("asleep with a lag of %d", lag)
	}
}

// testScaledJob has KEDA start jobs instead of scaling a Deployment.
func testScaledJob(t *testing.T) {
	s := world.Scene(t, "scaled-job", "2. ScaledJob: 20 records, lagThreshold 5",
		"4 jobs are started (up to 2 more while a job's last commit is on its way), every record is consumed, then no more jobs")
	const name = "job"
	topic := s.Group(name)
	createTopic(t, s, topic, 4, nil)
	lagPanel(s, name)
	s.Panel("jobs", stepLine("jobs", "jobs started"))
	s.Recorder.Add("jobs", 0)
	s.Recorder.Event("20 records")
	for p := range int32(4) {
		if err := s.Kafka.Produce(t.Context(), topic, p, 5); err != nil {
			t.Fatal(err)
		}
	}
	c := consumer(s, name, topic, 100*time.Millisecond)
	c.MaxRecords = 5
	s.Recorder.Event("ScaledJob applied")
	s.DeployJob(harness.Spec{
		Name: name, Topics: []string{topic}, StartDelay: 200 * time.Millisecond,
		Change: change(10, map[string]string{"lagThreshold": "5", "offsetResetPolicy": "earliest"}),
		// A job for which others have left nothing ends as well.
		Work: func(ctx context.Context, pod string) error {
			ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
			defer cancel()
			return c.Work(ctx, pod)
		},
	})
	started := 0
	s.Eventually(time.Minute, "all jobs are complete", func() bool {
		jobs, err := s.Stack.Kube.BatchV1().Jobs(s.Namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs.Items) != started {
			started = len(jobs.Items)
			s.Recorder.Add("jobs", float64(started))
		}
		complete := slices.IndexFunc(jobs.Items, func(j batchv1.Job) bool { return j.Status.Succeeded == 0 }) < 0
		return started > 0 && complete
	})
	s.Wait(5 * pollingInterval * time.Second)
	jobs, err := s.Stack.Kube.BatchV1().Jobs(s.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Figure("%d jobs for 20 records", len(jobs.Items))
	if n := len(jobs.Items); n < 4 || n > 6 {
		t.Errorf("%d jobs were started, want 4 to 6", n)
	}
}
