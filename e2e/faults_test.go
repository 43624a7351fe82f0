package e2e

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/e2e/harness"
	"github.com/kafka-scaler/kafka-scaler/e2e/product"
)

// TestFaults breaks one part of the loop after the other. Whatever is broken, no pod is deleted; and when it
// is whole again, the loop goes on by itself.
func TestFaults(t *testing.T) {
	s := world.Scene(t, "faults", "7. Faults in the loop",
		"no pod is deleted and no replica count changes: scaler restarted, scaler killed, scaler down for a minute, KEDA's operator restarted, Kafka silent for 30 s, Kafka and scaler both at once",
		"after each fault a change of lag changes the replicas again, within 15 s, after a silence of Kafka within 30 s",
		"the streams of external-push come back within 5 s of an orderly restart",
		"with KEDA's fallback, as docs/operations.md has it, a cooldownPeriod of 10 s outlasts the 30 s of silence as well")
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
	f.guard()
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

// faults are workloads that need nothing but what is broken: the test itself commits their offsets.
type faults struct {
	t     *testing.T
	s     *harness.Scene
	topic string
	// awake are at work, at as many replicas as the test last asked for.
	awake  []*harness.Workload
	asleep *harness.Workload
	lag    int64
}

const (
	faultThreshold  = 5
	faultPartitions = 10
)

// Periods of cooldown, in seconds.
//
// KEDA 2.21.0 takes the scaler for inactive, without an error, when the HPA's request fails and closes its
// cache of scalers (ErrCacheClosed in getScalerState) while its own poll is on the way. Only cooldownPeriod then
// keeps it from scaling to zero, so workloads that meet errors need one that is longer than the errors last,
// such as KEDA's default; or a fallback, under which there are no errors.
const (
	kedaCooldown    = 300
	guardedCooldown = 10
)

func newFaults(t *testing.T, s *harness.Scene) *faults {
	f := &faults{t: t, s: s, topic: s.Namespace}
	createTopic(t, s, f.topic, faultPartitions, nil)
	for p := range int32(faultPartitions) {
		if err := s.Kafka.Produce(t.Context(), f.topic, p, logEnd); err != nil {
			t.Fatal(err)
		}
	}
	lagPanelOf(s, "pull")
	replicaPanel(s, "pull", "push", "asleep", "guarded")
	f.awake = []*harness.Workload{f.deploy("pull", "external"), f.deploy("push", harness.Push)}
	f.asleep = f.deploy("asleep", harness.Push)
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

// deploy deploys a workload without lag.
func (f *faults) deploy(name, trigger string, changes ...func(*product.Change)) *harness.Workload {
	f.t.Helper()
	commit(f.t, f.s, f.topic, name, lagStep{lag: evenly(faultPartitions, 0)})
	c := change(faultPartitions, map[string]string{"lagThreshold": "5"})
	c.Type, c.CooldownPeriod = trigger, kedaCooldown
	for _, change := range changes {
		change(&c)
	}
	return f.s.Deploy(harness.Spec{Name: name, Topics: []string{f.topic}, Change: c})
}

// guard adds a workload that its cooldown alone does not keep awake, but KEDA's fallback does.
func (f *faults) guard() {
	f.t.Helper()
	f.awake = append(f.awake, f.deploy("guarded", "external", func(c *product.Change) {
		c.CooldownPeriod, c.HoldOnErrors = guardedCooldown, true
	}))
	f.ask(int(f.lag/faultThreshold), reaction)
}

// ask sets the lag to what n replicas are for, waits until the workloads that are awake have them, and
// returns how long that took.
func (f *faults) ask(n int, within time.Duration) time.Duration {
	f.t.Helper()
	f.lag = int64(n) * faultThreshold
	for _, w := range f.awake {
		commit(f.t, f.s, f.topic, w.Name, lagStep{lag: evenly(faultPartitions, f.lag)})
	}
	began := time.Now()
	for _, w := range f.awake {
		w.WaitReplicas(n, within)
		w.WaitReady(n, within)
	}
	return time.Since(began)
}

// damage does what is said and demands that nothing moves until shortly after; then that the loop works.
func (f *faults) damage(what string, do func(), recovery time.Duration) {
	f.t.Helper()
	began := f.s.Recorder.Event(what)
	before := int(f.lag / faultThreshold)
	do()
	f.s.Recorder.Event("whole again")
	f.s.Wait(5 * time.Second)
	for _, w := range append(slices.Clone(f.awake), f.asleep) {
		want := before
		if w == f.asleep {
			want = 0
		}
		if h := w.History().Since(began); len(h) != 1 || h[0].Replicas != want {
			f.t.Errorf("%s: the replicas of %s went %s", what, w.Name, h)
		}
		if deleted := w.Deleted(began); len(deleted) > 0 {
			f.t.Errorf("%s: pods of %s were deleted: %v", what, w.Name, deleted)
		}
	}
	took := f.ask(map[int]int{4: 8, 8: 4}[before], recovery)
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
