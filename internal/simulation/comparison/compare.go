package comparison

import (
	"context"
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/clairvoyant"
)

// Comparison is what came out.
type Comparison struct {
	Setup Setup
	// Bounds are the clairvoyant plans, one for each objective.
	Bounds []clairvoyant.Plan
	// Work is the least that could do the work at all, in replica-hours: the arrivals over the service rate.
	Work float64
	// Runs are all runs.
	Runs []Run
}

// Run is one policy's.
type Run struct {
	Kind Kind
	// Objective is the number of the objective that the policy knew, or -1 where it knew none.
	Objective int
	// Threshold is lagThreshold, where the policy has one.
	Threshold int64
	simulation.Result
}

// Do runs everything. progress, which may be nil, is told what is being done and the share of all that is
// behind it. It returns ctx's error where ctx ends first.
func Do(ctx context.Context, s Setup, progress func(what string, share float64)) (*Comparison, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	w, err := s.workload()
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(string, float64) {}
	}
	candidates := s.candidates()
	parts := float64(len(candidates) + len(s.Scenario.Objectives))
	c := &Comparison{Setup: s, Work: s.work(w)}
	for i, o := range s.Scenario.Objectives {
		progress("the clairvoyant plan", float64(i)/parts)
		plan, err := s.bound(ctx, w, o)
		if err != nil {
			return nil, err
		}
		c.Bounds = append(c.Bounds, plan)
	}
	for i, one := range candidates {
		r, err := simulation.Run(ctx, s.Scenario, w, one.Contender, func(share float64) {
			progress(one.Name, (float64(len(s.Scenario.Objectives)+i)+share)/parts)
		})
		if err != nil {
			return nil, fmt.Errorf("simulate %s: %w", one.Name, err)
		}
		c.Runs = append(c.Runs, Run{one.kind, one.objective, one.threshold, r})
	}
	return c, nil
}

func (s *Setup) work(w *simulation.Workload) float64 {
	n := w.Arrived(int(s.Scenario.Warmup/time.Second), s.Scenario.Steps())
	return float64(n) / s.Scenario.ServiceRate / time.Hour.Seconds()
}

// planStep is the time between two syncs of the HPA.
const planStep = 15 * time.Second

// bound computes the clairvoyant plan for an objective. With an eager rebalance everybody stops for the pause;
// otherwise a member that keeps its partitions does not.
func (s *Setup) bound(ctx context.Context, w *simulation.Workload, objective time.Duration) (clairvoyant.Plan, error) {
	p := clairvoyant.Problem{
		Step: planStep, ServiceRate: s.Scenario.ServiceRate, Startup: s.Scenario.StartupMin,
		Objective: objective, ChangePrice: s.ChangePrice,
	}
	if s.Scenario.Protocol == simulation.Eager {
		p.Pause = min(s.Scenario.Pause, planStep)
	}
	sizes := s.sizes()
	for i, share := range simulation.BusiestShares(w.Weights(), sizes, s.Scenario.Seed) {
		p.Sizes = append(p.Sizes, clairvoyant.Size{Replicas: sizes[i], Share: share})
	}
	step := int(planStep / time.Second)
	for t := int(s.Scenario.Warmup / time.Second); t < s.Scenario.Steps(); t += step {
		p.Arrivals = append(p.Arrivals, float64(w.Arrived(t, min(t+step, s.Scenario.Steps()))))
	}
	return p.Solve(ctx)
}
