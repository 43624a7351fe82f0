package clairvoyant

import (
	"context"
	"errors"
	"time"
)

// Size is a number of replicas that the plan may choose.
type Size struct {
	Replicas int64
	// Share of the arrivals goes to the busiest member: 0 to 1.
	Share float64
}

// Problem is what a plan is for.
type Problem struct {
	// Arrivals are the records that arrive in each step.
	Arrivals []float64
	// Step is how long a step is, for instance the 15 s between two syncs of an HPA.
	Step time.Duration
	// Sizes may be chosen; ascending, at least one.
	Sizes []Size
	// ServiceRate is how many records a second one replica takes; > 0.
	ServiceRate float64
	// Startup is for how long a pod costs before it works.
	Startup time.Duration
	// Pause is how long nobody works at a change of size; at most Step.
	Pause time.Duration
	// Objective is how long a record may take; > 0.
	Objective time.Duration
	// ChangePrice is how many replica-seconds a change of size counts as, so that a plan is calm as well. 0
	// gives the bound; with a price, replica-seconds and priced changes together are the least.
	ChangePrice float64
}

// Plan is the cheapest way.
type Plan struct {
	// ReplicaSeconds counts every pod from its creation on.
	ReplicaSeconds float64
	// Changes is how often the size changes.
	Changes int64
	// Excused is how many records came too late although the largest size was chosen: where it is more than
	// 0, no plan keeps every record within the objective, and this one lets them go.
	Excused float64
}

// levels is into how many steps the backlog is divided.
const levels = 2000

var errProblem = errors.New("a plan needs arrivals, sizes, a step, an objective and a service rate, and a pause no longer than the step")

// Solve returns the cheapest plan, or ctx's error where ctx ends first.
func (p *Problem) Solve(ctx context.Context) (Plan, error) {
	if len(p.Arrivals) == 0 || len(p.Sizes) == 0 || p.Step <= 0 || p.Objective <= 0 || p.ServiceRate <= 0 ||
		p.Pause > p.Step || p.Pause < 0 {
		return Plan{}, errProblem
	}
	s := newSolver(p)
	var excused float64
	for i := range p.Arrivals {
		if err := ctx.Err(); err != nil {
			return Plan{}, err
		}
		excused += s.advance(i)
	}
	plan := s.cheapest()
	plan.Excused = excused
	return plan, nil
}
