package e2e

import (
	"errors"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/e2e/harness"
)

// TestFaults breaks one part of the loop after the other. Whatever is broken, no pod is deleted; and when it
// is whole again, the loop goes on by itself.
func TestFaults(t *testing.T) {
	s := world.Scene(t, "faults", "7. Faults in the loop",
		"no pod is deleted and no replica count changes: scaler restarted, scaler killed, scaler down for a minute, KEDA's operator restarted, Kafka silent for 30 s, Kafka and scaler both at once",
		"after each fault a change of lag changes the replicas again, within 15 s, after a silence of Kafka within 30 s",
		"the streams of external-push come back within 5 s of an orderly restart")
	f := newFaults(t, s)
	f.damage("restart the scaler", func() {
		s.Scaler.Stop()
		f.run()
		f.awaitStream(5 * time.Second)
	}, reaction)
	f.damage("kill the scaler", func() {
		s.Scaler.Kill()
		f.run()
	}, reaction)
	f.damage("scaler down for a minute", func() {
		s.Scaler.Stop()
		s.Wait(time.Minute)
		f.run()
	}, reaction)
	f.damage("restart KEDA's operator", func() {
		if err := s.Stack.RestartOperator(t.Context()); err != nil {
			t.Fatal(err)
		}
	}, reaction)
	f.damage("Kafka silent for 30 s", func() {
		f.pauseKafka()
		s.Wait(30 * time.Second)
		f.resumeKafka()
	}, 2*reaction)
	f.damage("Kafka silent, scaler restarted", func() {
		f.pauseKafka()
		s.Wait(10 * time.Second)
		s.Scaler.Stop()
		f.run()
		s.Wait(20 * time.Second)
		f.resumeKafka()
	}, 2*reaction)
}

// faults are three workloads that need nothing but what is broken: the test itself commits their offsets.
type faults struct {
	t          *testing.T
	s          *harness.Scene
	topic      string
	pull, push *harness.Workload
	asleep     *harness.Workload
	lag        int64
}

const faultThreshold = 5

// kedaCooldown is KEDA's default cooldownPeriod in seconds. Workloads that meet errors need it to be longer
// than the errors last: KEDA 2.21 takes the scaler for inactive, without an error, when the HPA's request
// fails and closes its cache of scalers (ErrCacheClosed in getScalerState) while its own poll is on the way.
// Only cooldownPeriod then keeps it from scaling to zero.
const kedaCooldown = 300

func newFaults(t *testing.T, s *harness.Scene) *faults {
	f := &faults{t: t, s: s, topic: s.Namespace}
	const partitions = 10
	createTopic(t, s, f.topic, partitions, nil)
	for p := range int32(partitions) {
		if err := s.Kafka.Produce(t.Context(), f.topic, p, logEnd); err != nil {
			t.Fatal(err)
		}
	}
	lagPanel(s, "pull")
	replicaPanel(s, "pull", "push", "asleep")
	deploy := func(name, trigger string) *harness.Workload {
		commit(t, s, f.topic, name, lagStep{lag: evenly(partitions, 0)})
		c := change(partitions, map[string]string{"lagThreshold": "5"})
		c.Type, c.CooldownPeriod = trigger, kedaCooldown
		return s.Deploy(harness.Spec{Name: name, Topics: []string{f.topic}, Change: c})
	}
	f.pull, f.push, f.asleep = deploy("pull", "external"), deploy("push", harness.Push), deploy("asleep", harness.Push)
	t.Cleanup(func() {
		// The next scenario finds everything running, whatever this one broke off in.
		f.resumeKafka()
		if !s.Scaler.Running() {
			f.run()
		}
	})
	f.ask(4, reaction)
	return f
}

// ask sets the lag to what n replicas are for, waits until the two workloads that are awake have them, and
// returns how long that took.
func (f *faults) ask(n int, within time.Duration) time.Duration {
	f.t.Helper()
	f.lag = int64(n) * faultThreshold
	for _, w := range []*harness.Workload{f.pull, f.push} {
		commit(f.t, f.s, f.topic, w.Name, lagStep{lag: evenly(10, f.lag)})
	}
	began := time.Now()
	for _, w := range []*harness.Workload{f.pull, f.push} {
		w.WaitReplicas(n, within)
		w.WaitReady(n, within)
	}
	return time.Since(began)
}

// damage does what is said and demands that nothing moves until shortly after; then that the loop works.
func (f *faults) damage(what string, do func(), recovery time.Duration) {
	f.t.Helper()
	began := f.s.Recorder.Event(what)
	before := []int{f.pull.Replicas(), f.push.Replicas(), 0}
	do()
	f.s.Recorder.Event("whole again")
	f.s.Wait(5 * time.Second)
	for i, w := range []*harness.Workload{f.pull, f.push, f.asleep} {
		if h := w.History().Since(began); len(h) != 1 || h[0].Replicas != before[i] {
			f.t.Errorf("%s: the replicas of %s went %s", what, w.Name, h)
		}
		if deleted := w.Deleted(began); len(deleted) > 0 {
			f.t.Errorf("%s: pods of %s were deleted: %v", what, w.Name, deleted)
		}
	}
	took := f.ask(map[int]int{4: 8, 8: 4}[before[0]], recovery)
	f.s.Figure("%s: no change; then a new lag is followed within %.1f s", what, took.Seconds())
}

func (f *faults) run() {
	f.t.Helper()
	if err := f.s.Scaler.Run(); err != nil {
		f.t.Fatal(err)
	}
}

// awaitStream waits until KEDA has opened its streams of the two push workloads again.
func (f *faults) awaitStream(within time.Duration) {
	f.t.Helper()
	began := time.Now()
	f.s.Eventually(within, "KEDA's streams are back", func() bool {
		streams, err := f.s.Scaler.Metric("grpc_server_started_total", `grpc_method="StreamIsActive"`)
		return err == nil && streams >= 2
	})
	f.s.Figure("streams are back %.1f s after the scaler", time.Since(began).Seconds())
}

func (f *faults) pauseKafka() {
	f.t.Helper()
	var errs []error
	for _, b := range f.s.Kafka.Brokers() {
		errs = append(errs, b.Pause())
	}
	if err := errors.Join(errs...); err != nil {
		f.t.Fatal(err)
	}
}

func (f *faults) resumeKafka() {
	f.t.Helper()
	for _, b := range f.s.Kafka.Brokers() {
		if err := b.Resume(); err != nil {
			f.t.Error(err)
		}
	}
}
