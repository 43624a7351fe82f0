package clairvoyant_test

import (
	"context"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation/clairvoyant"
)

// problem has two sizes, 1 and 2 replicas of 10 records a second, and steps of 10 s.
func problem(arrivals ...float64) clairvoyant.Problem {
	return clairvoyant.Problem{
		Arrivals: arrivals, Step: 10 * time.Second, ServiceRate: 10, Objective: 20 * time.Second,
		Sizes: []clairvoyant.Size{{Replicas: 1, Share: 1}, {Replicas: 2, Share: 0.5}},
	}
}

func solve(t *testing.T, p clairvoyant.Problem) clairvoyant.Plan {
	t.Helper()
	plan, err := p.Solve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestPlans(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*clairvoyant.Problem)
		plan   clairvoyant.Plan
	}{
		{"one is enough", func(*clairvoyant.Problem) {}, clairvoyant.Plan{ReplicaSeconds: 60}},
		{
			"a burst that may wait", func(p *clairvoyant.Problem) { p.Arrivals[2] = 180; p.Arrivals[3] = 0 },
			clairvoyant.Plan{ReplicaSeconds: 60},
		},
		{
			"a burst that may not", func(p *clairvoyant.Problem) { p.Arrivals[2] = 180; p.Objective = 5 * time.Second },
			clairvoyant.Plan{ReplicaSeconds: 70, Changes: 2},
		},
		{
			"a start-up that costs", func(p *clairvoyant.Problem) {
				p.Arrivals[2], p.Objective, p.Startup = 180, 5*time.Second, 7*time.Second
			},
			clairvoyant.Plan{ReplicaSeconds: 77, Changes: 2},
		},
		{
			"changes that cost more than a replica", func(p *clairvoyant.Problem) {
				p.Arrivals[2], p.Objective, p.ChangePrice = 180, 5*time.Second, 100
			},
			clairvoyant.Plan{ReplicaSeconds: 120},
		},
		{
			"a pause that leaves too little", func(p *clairvoyant.Problem) {
				p.Arrivals[2], p.Objective, p.Pause = 180, 5*time.Second, 5*time.Second
			},
			clairvoyant.Plan{ReplicaSeconds: 80, Changes: 2},
		},
	} {
		p := problem(90, 90, 90, 90, 90, 90)
		test.change(&p)
		got := solve(t, p)
		if math.Abs(got.ReplicaSeconds-test.plan.ReplicaSeconds) > 0.01 || got.Changes != test.plan.Changes || got.Excused > 0 {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.plan)
		}
	}
}

func TestWhatNobodyCanDoIsExcused(t *testing.T) {
	got := solve(t, problem(90, 1000, 0, 0, 0))
	// Of 1,000 records two replicas take 200 in ten seconds, and 1,090 arrived within the objective: nothing is
	// late yet. Ten seconds later 800 wait, of which 200 are taken, and the rest is ten to twenty seconds old.
	if math.Abs(got.Excused-400) > 5 {
		t.Errorf("excused %.0f records, want about 400", got.Excused)
	}
}

func TestProblemsAreChecked(t *testing.T) {
	for _, change := range []func(*clairvoyant.Problem){
		func(p *clairvoyant.Problem) { p.Arrivals = nil },
		func(p *clairvoyant.Problem) { p.Sizes = nil },
		func(p *clairvoyant.Problem) { p.Pause = time.Minute },
		func(p *clairvoyant.Problem) { p.Objective = 0 },
	} {
		p := problem(1, 2)
		change(&p)
		if _, err := p.Solve(context.Background()); err == nil {
			t.Errorf("accepted: %+v", p)
		}
	}
}

// Any single size that keeps up is a plan, and so are all others: a bound is never above it. A longer
// objective never costs more, and a higher price never gives more changes.
func TestBoundIsBelowWhatIsPossible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arrivals := rapid.SliceOfN(rapid.Float64Range(0, 180), 5, 60).Draw(t, "arrivals")
		p := problem(arrivals...)
		p.Startup = time.Duration(rapid.IntRange(0, 30).Draw(t, "startup")) * time.Second
		p.Pause = time.Duration(rapid.IntRange(0, 5).Draw(t, "pause")) * time.Second
		plan, err := p.Solve(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		// Two replicas take 200 in each step: enough without waiting.
		if most := 20 * float64(len(arrivals)); plan.ReplicaSeconds > most+1e-6 || plan.Excused > 0 {
			t.Fatalf("plan %+v, and two replicas all the time cost %g", plan, most)
		}
		p.Objective *= 2
		if longer, _ := p.Solve(context.Background()); longer.ReplicaSeconds > plan.ReplicaSeconds+1e-6 {
			t.Fatalf("with twice the time %g, before %g", longer.ReplicaSeconds, plan.ReplicaSeconds)
		}
		p.ChangePrice = 1000
		if calm, _ := p.Solve(context.Background()); calm.Changes > 0 && calm.ReplicaSeconds > 20*float64(len(arrivals)) {
			t.Fatalf("changes that do not pay: %+v", calm)
		}
	})
}
