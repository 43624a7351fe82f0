package simulation_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
)

// fixed asks for the same number of replicas all the time, and watcher looks on.
type fixed float64

func (fixed) Observe(*simulation.View) {}

func (f fixed) Metric(*simulation.View) (value, target float64, known bool) {
	return float64(f), 1, true
}

type watcher struct {
	fixed
	seen func(*simulation.View)
}

func (w watcher) Observe(v *simulation.View) { w.seen(v) }

func constant(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

func workload(t testing.TB, l simulation.Load, s simulation.Scenario) *simulation.Workload {
	t.Helper()
	l.Partitions = s.Partitions
	w, err := simulation.NewWorkload(l, s.Steps())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func run(t testing.TB, s simulation.Scenario, w *simulation.Workload, p simulation.Policy) simulation.Result {
	t.Helper()
	r, err := simulation.Run(t.Context(), s, w, contender(p), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func contender(p simulation.Policy) simulation.Contender {
	return simulation.Contender{Name: "test", Policy: p, HPA: kedaloop.DefaultSpec()}
}

// single is one partition and one pod of exactly the service rate.
func single() simulation.Scenario {
	s := simulation.Default()
	s.Partitions, s.PodSpread = 1, 0
	s.ServiceRate = 4
	s.Warmup, s.Length = 10*time.Minute, 36*time.Hour
	return s
}

// A single server with Poisson arrivals waits for as long as Pollaczek and Khinchine say,
// rho / (1 - rho) x (1 + cv^2) / 2 service times, and then takes its own.
func TestSingleServer(t *testing.T) {
	for _, test := range []struct {
		service simulation.Service
		cv2     float64
	}{
		{simulation.Deterministic, 0},
		{simulation.Exponential, 1},
		{simulation.Lognormal, 1},
		{simulation.Bimodal, 2.25},
	} {
		for _, rho := range []float64{0.5, 0.75} {
			s := single()
			s.Service = test.service
			w := workload(t, simulation.Load{Rate: constant(rho * s.ServiceRate), Seed: 7}, s)
			r := run(t, s, w, fixed(1))
			want := (rho/(1-rho)*(1+test.cv2)/2 + 1) / s.ServiceRate
			if got := r.Mean.Seconds(); math.Abs(got/want-1) > 0.04 {
				t.Errorf("%s at %.0f %%: mean %.4f s, want %.4f s", test.service, 100*rho, got, want)
			}
		}
	}
}

// group is twelve partitions, and pods that take two seconds' worth of records each second in all.
func group() simulation.Scenario {
	s := simulation.Default()
	s.Partitions, s.ServiceRate = 12, 10
	s.StartReplicas = 4
	s.Warmup, s.Length = 10*time.Minute, 2*time.Hour
	s.Objectives = []time.Duration{10 * time.Second, time.Minute}
	return s
}

func wave(at time.Duration) float64 { return 30 + 25*math.Sin(at.Minutes()/20) }

// What arrived is what was processed and what still waits, to the record; and every record was processed once.
func TestWorkIsConserved(t *testing.T) {
	for _, protocol := range simulation.Protocols() {
		s := group()
		s.Protocol, s.Pause, s.Warmup = protocol, protocol.Pause(), 0
		s.CrashesPerDay, s.UngracefulShare = 24, 0.3
		s.Objectives = nil // so that all that waits at the end is scored
		w := workload(t, simulation.Load{Rate: wave, Skew: 0.5, Seed: 3}, s)
		r := run(t, s, w, fixed(5))
		if got, want := r.Records, w.Arrived(0, s.Steps()); got != want {
			t.Errorf("%s: %d records were scored, and %d arrived", protocol, got, want)
		}
		var arrived int64
		for _, p := range r.Timeline {
			arrived += p.Arrived
		}
		if arrived != r.Records {
			t.Errorf("%s: the timeline has %d arrivals of %d", protocol, arrived, r.Records)
		}
	}
}

// Little's law: in a stable group as many records wait, on average, as arrive in the mean wait, which is the
// latency without the record's own service time.
func TestLittlesLaw(t *testing.T) {
	s := group()
	s.Length = 6 * time.Hour
	w := workload(t, simulation.Load{Rate: constant(33), Seed: 5}, s)
	r := run(t, s, w, fixed(4))
	sum := 0.0
	for _, p := range r.Timeline {
		sum += float64(p.Lag)
	}
	lag, want := sum/float64(len(r.Timeline)), 33*(r.Mean.Seconds()-1/s.ServiceRate)
	if math.Abs(lag/want-1) > 0.1 {
		t.Errorf("%.2f records wait on average, want %.2f", lag, want)
	}
}

func TestSameSeedSameRun(t *testing.T) {
	s := group()
	s.NodeShare, s.CrashesPerDay, s.UngracefulShare = 0.1, 10, 0.1
	load := simulation.Load{Rate: wave, Skew: 0.3, Noise: 0.05, NoiseTime: 20 * time.Second, Seed: 9}
	first, again := run(t, s, workload(t, load, s), swing{}), run(t, s, workload(t, load, s), swing{})
	if d := cmp.Diff(first, again); d != "" {
		t.Errorf("(-first +again)\n%s", d)
	}
	s.Seed++
	if other := run(t, s, workload(t, load, s), swing{}); cmp.Equal(first, other) {
		t.Error("another seed made the same run")
	}
}

// swing changes between 4 and 6 replicas every ten minutes.
type swing struct{}

func (swing) Observe(*simulation.View) {}

func (swing) Metric(v *simulation.View) (value, target float64, known bool) {
	if int(v.At.Minutes())/10%2 == 0 {
		return 4, 1, true
	}
	return 6, 1, true
}

// Where nothing else delays records, the pause of a rebalance is the longest latency: of all records with
// eager rebalances, of those in partitions that move with the others.
func TestPausesShow(t *testing.T) {
	late := map[simulation.Protocol]float64{}
	for _, protocol := range simulation.Protocols() {
		s := group()
		s.Protocol, s.Pause = protocol, 20*time.Second
		s.ServiceRate, s.Service = 1000, simulation.Deterministic
		w := workload(t, simulation.Load{Rate: constant(30), Seed: 2}, s)
		r := run(t, s, w, swing{})
		late[protocol] = 1 - r.InTime(0)
		if r.Changes == 0 || r.Rebalances < r.Changes {
			t.Fatalf("%s: %d changes and %d rebalances", protocol, r.Changes, r.Rebalances)
		}
		if r.Max < 20*time.Second || r.Max > 70*time.Second {
			t.Errorf("%s: the longest latency is %s, with pauses of 20s", protocol, r.Max)
		}
	}
	if e, c, k := late[simulation.Eager], late[simulation.Cooperative], late[simulation.KIP848]; !(e > 2*c && c > 0 && k > 0) {
		t.Errorf("late: eager %.4f, cooperative %.4f, KIP-848 %.4f", e, c, k)
	}
}

// Who leaves without a word holds its partitions until the session ends, and what it had not committed is
// processed again.
func TestUngracefulExit(t *testing.T) {
	s := group()
	s.ServiceRate, s.Protocol, s.Pause = 1000, simulation.KIP848, time.Second
	w := workload(t, simulation.Load{Rate: constant(30), Seed: 2}, s)
	if r := run(t, s, w, swing{}); r.Max > 15*time.Second {
		t.Errorf("with graceful exits the longest latency is %s", r.Max)
	}
	s.UngracefulShare = 1
	if r := run(t, s, w, swing{}); r.Max < 40*time.Second || r.Max > time.Minute {
		t.Errorf("with a session timeout of 45s the longest latency is %s", r.Max)
	}
}

// Downstream takes 25 records a second, whoever asks: more replicas do not consume more.
func TestDownstream(t *testing.T) {
	s := group()
	s.Downstream = 25
	w := workload(t, simulation.Load{Rate: constant(60), Seed: 2}, s)
	for _, replicas := range []float64{3, 6, 12} {
		var first, last int64
		run(t, s, w, watcher{fixed(replicas), func(v *simulation.View) {
			var done int64
			for _, c := range v.Committed {
				done += c
			}
			if v.At == 10*time.Minute {
				first = done
			}
			last = done
		}})
		if rate := float64(last-first) / s.Length.Seconds(); math.Abs(rate-25) > 1 {
			t.Errorf("%g replicas consume %.1f records a second", replicas, rate)
		}
	}
}

// A policy sees commits, which are late by up to their interval, and never more than what arrived.
func TestViewIsWhatKafkaSays(t *testing.T) {
	s := group()
	s.CommitInterval = 7 * time.Second // not in step with the views
	w := workload(t, simulation.Load{Rate: constant(30), Seed: 2}, s)
	var lags []int64
	run(t, s, w, watcher{fixed(6), func(v *simulation.View) {
		lags = append(lags, v.Lag())
		if v.Members > 0 && !v.Rebalancing && v.Owner[0] < 0 {
			t.Errorf("at %s nobody has partition 0", v.At)
		}
	}})
	var sum int64
	for _, l := range lags[len(lags)/2:] {
		if l < 0 {
			t.Fatal("a lag below 0")
		}
		sum += l
	}
	// Commits are on average half an interval old: 30 records a second x 3.5 s.
	if mean := float64(sum) / float64(len(lags)/2); math.Abs(mean/105-1) > 0.15 {
		t.Errorf("the lag of a group that keeps up is %.0f on average, want about 105", mean)
	}
}

// Pods cost from their creation on, and work from when they are ready.
func TestReplicaSecondsCountStarting(t *testing.T) {
	s := group()
	s.StartupMin, s.StartupMax = 5*time.Minute, 5*time.Minute
	s.Warmup = 0
	w := workload(t, simulation.Load{Rate: constant(10), Seed: 2}, s)
	r := run(t, s, w, fixed(8))
	if created := r.Timeline[2].Replicas; created != 8 {
		t.Errorf("%g replicas are paid for in the third minute", created)
	}
	if ready := r.Timeline[2].Ready; ready != 4 {
		t.Errorf("%g replicas work in the third minute", ready)
	}
	if ready := r.Timeline[6].Ready; ready != 8 {
		t.Errorf("%g replicas work in the seventh minute", ready)
	}
}

// A pod that waits for a node is later by that.
func TestNodesDelayPods(t *testing.T) {
	s := group()
	s.NodeShare, s.Warmup = 1, 0
	w := workload(t, simulation.Load{Rate: constant(10), Seed: 2}, s)
	r := run(t, s, w, fixed(8))
	if ready := r.Timeline[1].Ready; ready != 4 {
		t.Errorf("%g replicas work in the second minute", ready)
	}
	if ready := r.Timeline[7].Ready; ready != 8 {
		t.Errorf("%g replicas work in the eighth minute", ready)
	}
}

// Weights say which partition gets how much.
func TestWeights(t *testing.T) {
	s := group()
	s.Partitions = 3
	w := workload(t, simulation.Load{Rate: constant(40), Weights: []float64{30, 0, 10}, Seed: 2}, s)
	if a, b, c := w.LogEnd(0, s.Steps()), w.LogEnd(1, s.Steps()), w.LogEnd(2, s.Steps()); b != 0 || math.Abs(float64(a)/float64(c)-3) > 0.05 {
		t.Errorf("%d, %d and %d records, want 3 to 0 to 1", a, b, c)
	}
}

// Where partitions get the same, the busiest member's share is that of its partitions; where they do not, it is
// at least the largest partition's.
func TestBusiestShares(t *testing.T) {
	even := slices.Repeat([]float64{1.0 / 12}, 12)
	sizes := simulation.Ladder(12, 1, 12)
	if d := cmp.Diff([]int64{1, 2, 3, 4, 6, 12}, sizes); d != "" {
		t.Fatalf("(-want +got)\n%s", d)
	}
	for i, share := range simulation.BusiestShares(even, sizes, 1) {
		if want := 1 / float64(sizes[i]); math.Abs(share-want) > 1e-9 {
			t.Errorf("%d replicas: %g, want %g", sizes[i], share, want)
		}
	}
	uneven := slices.Repeat([]float64{0.9 / 11}, 12)
	uneven[3] = 0.1 // 0.9 is left for the other eleven
	for i, share := range simulation.BusiestShares(uneven, sizes, 1) {
		if least := max(1/float64(sizes[i]), uneven[3]); share < least-1e-9 || share > 1 {
			t.Errorf("%d replicas: %g, want at least %g", sizes[i], share, least)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s := group()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := workload(t, simulation.Load{Rate: constant(10)}, s)
	if _, err := simulation.Run(ctx, s, w, contender(fixed(1)), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestScenarioIsChecked(t *testing.T) {
	for name, change := range map[string]func(*simulation.Scenario){
		"no partitions":        func(s *simulation.Scenario) { s.Partitions = 0 },
		"no service rate":      func(s *simulation.Scenario) { s.ServiceRate = 0 },
		"unknown service":      func(s *simulation.Scenario) { s.Service = "gamma" },
		"unknown protocol":     func(s *simulation.Scenario) { s.Protocol = "lazy" },
		"start-up backwards":   func(s *simulation.Scenario) { s.StartupMin = time.Hour },
		"descending":           func(s *simulation.Scenario) { s.Objectives = []time.Duration{2, 1} },
		"too many at start":    func(s *simulation.Scenario) { s.StartReplicas = 13 },
		"nothing to be scored": func(s *simulation.Scenario) { s.Length = 0 },
	} {
		s := group()
		change(&s)
		if s.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if s := group(); s.Validate() != nil {
		t.Error(s.Validate())
	}
}

func TestWorkloadIsBounded(t *testing.T) {
	for name, l := range map[string]simulation.Load{
		"records":    {Rate: constant(1e9), Partitions: 10},
		"partitions": {Rate: constant(1), Partitions: 1_000_000},
		"rate":       {Rate: constant(-1), Partitions: 1},
		"weights":    {Rate: constant(1), Partitions: 2, Weights: []float64{1, 2, 3}},
		"no weight":  {Rate: constant(1), Partitions: 2, Weights: []float64{0, 0}},
	} {
		if _, err := simulation.NewWorkload(l, 3600); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := simulation.NewWorkload(simulation.Load{Rate: constant(1), Partitions: 1}, 1<<30); err == nil {
		t.Error("a run of 34 years: accepted")
	}
}

func BenchmarkRun(b *testing.B) {
	s := simulation.Default()
	s.StartReplicas = 16
	s.Length = 5 * time.Hour
	w := workload(b, simulation.Load{Rate: constant(600), Noise: 0.05, NoiseTime: 20 * time.Second}, s)
	for b.Loop() {
		r := run(b, s, w, fixed(16))
		b.ReportMetric(float64(r.Records), "records/op")
	}
}
