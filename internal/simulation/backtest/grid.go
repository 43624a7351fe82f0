package backtest

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/trace"
)

// Grid is what is combined with what.
type Grid struct {
	Traces     []Named
	Objectives []time.Duration // ascending
	Protocols  []simulation.Protocol
	Skews      []float64
	// Seeds, from 1 on, also choose the day of the trace.
	Seeds int
	// Scenario has what all cases share: the group, its pods, and how long is scored where the trace is long
	// enough.
	Scenario simulation.Scenario
	// Load is the mean rate, in replicas' worth of records. It is lowered where the peak would be more than
	// 85 % of what partitions, or the largest partition, can have consumed.
	Load        float64
	Attainment  float64
	ChangePrice float64
	// Kinds are the policies to run; all where it is empty.
	Kinds []comparison.Kind
}

// Full is the grid of the published table, without traces.
func Full() Grid {
	g := Grid{
		Objectives:  []time.Duration{10 * time.Second, 30 * time.Second, 60 * time.Second, 300 * time.Second},
		Protocols:   []simulation.Protocol{simulation.Eager, simulation.KIP848},
		Skews:       []float64{0, 0.3},
		Seeds:       3,
		Scenario:    simulation.Default(),
		Load:        12,
		Attainment:  0.999,
		ChangePrice: 600,
	}
	g.Scenario.ServiceRate = 20
	return g
}

// Case is one cell of the grid.
type Case struct {
	Trace    string
	Protocol simulation.Protocol
	Skew     float64
	Seed     int
	*comparison.Comparison
	trace *trace.Trace
}

// String names the case.
func (c *Case) String() string {
	return fmt.Sprintf("%s, %s, skew %g, seed %d", c.Trace, c.Protocol, c.Skew, c.Seed)
}

// Run runs all cases, so many at a time, and hands each to done: one at a time, and in the order of the grid.
func (g *Grid) Run(ctx context.Context, parallel int, done func(*Case)) error {
	cases := g.cases()
	var mu sync.Mutex
	next := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i := range cases {
		group.Go(func() error {
			c := &cases[i]
			result, err := comparison.Do(ctx, g.setup(c), nil)
			if err != nil {
				return fmt.Errorf("%s: %w", c, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for c.Comparison = result; next < len(cases) && cases[next].Comparison != nil; next++ {
				done(&cases[next])
				cases[next] = Case{} // timelines are large
			}
			return nil
		})
	}
	return group.Wait()
}

func (g *Grid) cases() []Case {
	var cases []Case
	for _, t := range g.Traces {
		for _, protocol := range g.Protocols {
			for _, skew := range g.Skews {
				for seed := 1; seed <= g.Seeds; seed++ {
					cases = append(cases, Case{Trace: t.Name, Protocol: protocol, Skew: skew, Seed: seed, trace: t.Trace})
				}
			}
		}
	}
	return cases
}

func (g *Grid) setup(c *Case) comparison.Setup {
	t := c.trace
	s := comparison.Setup{
		Scenario: g.Scenario, Skew: c.Skew,
		Noise: comparison.DefaultNoise, NoiseTime: comparison.DefaultNoiseTime,
		ArrivalSeed: uint64(c.Seed), //nolint:gosec // from 1 on
		Attainment:  g.Attainment, ChangePrice: g.ChangePrice,
		LagThresholds: comparison.DefaultThresholds(g.Scenario.ServiceRate),
		Kinds:         g.Kinds,
	}
	s.Scenario.Seed = s.ArrivalSeed
	s.Scenario.Objectives = g.Objectives
	s.Scenario.Protocol, s.Scenario.Pause = c.Protocol, c.Protocol.Pause()
	s.Scenario.Warmup, s.From, s.Scenario.Length = window(t.Length(), g.Scenario.Warmup, g.Scenario.Length, c.Seed, g.Seeds)
	mean, peak := t.Mean(s.From, s.From+s.Scenario.Length), t.Peak(s.From, s.From+s.Scenario.Length)
	mu := g.Scenario.ServiceRate
	most := 0.85 * mu / largest(g.Scenario.Partitions, c.Skew)
	s.Trace = t.Scaled(min(g.Load*mu/mean, most/peak))
	s.Scenario.StartReplicas = min(s.Scenario.Ceiling(), int64(math.Ceil(g.Load)))
	return s
}

// largest is the share of the largest partition.
func largest(partitions int, skew float64) float64 {
	sum := 0.0
	for r := 1; r <= partitions; r++ {
		sum += math.Pow(float64(r), -skew)
	}
	return 1 / sum
}

// window chooses what is scored: with each seed another part of a trace that is longer than needed, the last
// one first, and a day of past where there is one.
func window(whole, warmup, length time.Duration, seed, seeds int) (warm, from, scored time.Duration) {
	warm, scored = comparison.Fit(whole, warmup, length)
	last := (whole - scored).Truncate(time.Minute)
	first := min(last, warm+24*time.Hour)
	step := (last - first) / time.Duration(seeds)
	return warm, (last - time.Duration(seed-1)*step).Truncate(time.Minute), scored
}
