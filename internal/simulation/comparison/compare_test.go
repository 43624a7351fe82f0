package comparison_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/trace"
)

// wave is a made trace: two days of a wave with an hour's period and a slower one.
func wave(t testing.TB, mean float64) *trace.Trace {
	t.Helper()
	var seconds, rates []float64
	for s := 0.0; s <= 2*24*3600; s += 60 {
		seconds = append(seconds, s)
		rates = append(rates, mean*(1+0.4*math.Sin(s/3600*2*math.Pi)+0.3*math.Sin(s/86400*2*math.Pi)))
	}
	tr, err := trace.New(seconds, rates)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// setup is a small group for an hour: 12 partitions, 5 records a second and replica, three replicas' worth
// of records on average.
func setup(t testing.TB) comparison.Setup {
	t.Helper()
	s := comparison.Setup{
		Trace: wave(t, 15), From: 24 * time.Hour, Scenario: simulation.Default(),
		Noise: comparison.DefaultNoise, NoiseTime: comparison.DefaultNoiseTime, ArrivalSeed: 1,
		Attainment: 0.999, ChangePrice: 600, LagThresholds: []int64{10, 150}, OwnThreshold: 25,
	}
	s.Scenario.Partitions, s.Scenario.ServiceRate, s.Scenario.StartReplicas = 12, 5, 3
	s.Scenario.Warmup, s.Scenario.Length = 10*time.Minute, time.Hour
	s.Scenario.Objectives = []time.Duration{30 * time.Second, 120 * time.Second}
	return s
}

func compare(t testing.TB, s comparison.Setup) *comparison.Comparison {
	t.Helper()
	c, err := comparison.Do(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Nobody who has every record in time is cheaper than the clairvoyant plan, changes at their price included. A
// plan changes size at the steps of its own clock, and others may do it between: hence the slack of a step.
func TestNobodyBeatsTheClairvoyantPlan(t *testing.T) {
	inTime := 0
	for _, protocol := range []simulation.Protocol{simulation.Eager, simulation.KIP848} {
		for _, price := range []float64{0, 600} {
			s := setup(t)
			s.Scenario.Protocol, s.Scenario.Pause, s.ChangePrice = protocol, protocol.Pause(), price
			c := compare(t, s)
			for i, objective := range s.Scenario.Objectives {
				plan := c.Bounds[i]
				// At the end records may be left that wait no longer than the objective; five replicas' worth here.
				if least := c.Work*3600 - 5*objective.Seconds(); plan.ReplicaSeconds < least {
					t.Errorf("the plan for %s takes %.0f replica-seconds, and the work alone %.0f", objective, plan.ReplicaSeconds, least)
				}
				for _, r := range c.Runs {
					if r.Late[i] > 0 {
						continue
					}
					inTime++
					got := r.ReplicaSeconds + price*float64(r.Changes)
					if least := plan.ReplicaSeconds + price*float64(plan.Changes); got < least-15*float64(r.Changes) {
						t.Errorf("%s, price %g: %s costs %.0f and the plan %.0f", objective, price, r.Name, got, least)
					}
				}
			}
		}
	}
	if inTime < 20 {
		t.Errorf("only %d runs had everything in time: this test looks at nothing", inTime)
	}
}

func TestTableShowsTheBestOfEachKind(t *testing.T) {
	c := compare(t, setup(t))
	rows := c.Table(0)
	seen := map[comparison.Kind]comparison.Row{}
	for _, r := range rows {
		if _, twice := seen[r.Kind]; twice {
			t.Errorf("%s is there twice", r.Kind)
		}
		seen[r.Kind] = r
	}
	if len(seen) != 14 {
		t.Errorf("%d kinds of policies in the table", len(seen))
	}
	best := seen[comparison.KindLag]
	for _, r := range c.Of(comparison.KindLag, 0) {
		if r.Attained && (!best.Attained || r.ReplicaHours < best.ReplicaHours) {
			t.Errorf("%s is better than %s", r.Name, best.Name)
		}
	}
	if r := seen[comparison.KindOwn]; r.Threshold != 25 || r.Chosen {
		t.Errorf("the user's own threshold: %+v", r)
	}
	if most := seen[comparison.KindMost]; !most.Attained || most.ReplicaHours != 12 {
		t.Errorf("12 replicas for an hour: %.3f in %.1f replica-hours", most.InTime, most.ReplicaHours)
	}
}

// What two comparisons of the same setup say is the same; and the number of objectives does not change what a
// policy does that does not know them.
func TestComparisonIsDeterministic(t *testing.T) {
	s := setup(t)
	s.Kinds = []comparison.Kind{comparison.KindLatency, comparison.KindLag}
	first, again := compare(t, s), compare(t, s)
	if d := cmp.Diff(first.Runs, again.Runs); d != "" {
		t.Errorf("(-first +again)\n%s", d)
	}
	s.Scenario.Objectives = s.Scenario.Objectives[:1]
	one := compare(t, s)
	if a, b := first.Of(comparison.KindLag, 0)[0], one.Of(comparison.KindLag, 0)[0]; a.ReplicaSeconds != b.ReplicaSeconds || a.InTime != b.InTime {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestSetupIsChecked(t *testing.T) {
	for name, change := range map[string]func(*comparison.Setup){
		"before the trace": func(s *comparison.Setup) { s.From = time.Minute },
		"after the trace":  func(s *comparison.Setup) { s.From = 48 * time.Hour },
		"attainment":       func(s *comparison.Setup) { s.Attainment = 1 },
		"price":            func(s *comparison.Setup) { s.ChangePrice = math.NaN() },
		"no objective":     func(s *comparison.Setup) { s.Scenario.Objectives = nil },
		"objective":        func(s *comparison.Setup) { s.Scenario.Objectives = []time.Duration{time.Second} },
		"threshold":        func(s *comparison.Setup) { s.LagThresholds = []int64{0} },
	} {
		s := setup(t)
		change(&s)
		if s.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
