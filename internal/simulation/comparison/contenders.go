package comparison

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/policies"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// Kind groups runs of the same policy with other settings.
type Kind string

// The kinds, in the order in which they are shown.
const (
	KindLatency   Kind = "target-latency"
	KindOwn       Kind = "own-lag-threshold"
	KindLag       Kind = "lag-threshold"
	KindEven      Kind = "even-distribution"
	KindCPU       Kind = "cpu"
	KindRate      Kind = "rate"
	KindLadder    Kind = "ladder-rate"
	KindFlink     Kind = "flink"
	KindTuned     Kind = "flink-tuned"
	KindPacking   Kind = "bin-packing"
	KindDruid     Kind = "druid"
	KindCatchUp   Kind = "federator-ai"
	KindPeak      Kind = "static-peak"
	KindMost      Kind = "static-most"
	allObjectives      = -1
)

// candidate is a contender that has yet to run.
type candidate struct {
	kind Kind
	// objective is the one that the policy was told, or allObjectives where it knows none.
	objective int
	threshold int64
	simulation.Contender
}

// candidates returns all policies. Those that know no objective run once for all.
func (s *Setup) candidates() []candidate {
	var list []candidate
	for i, o := range s.Scenario.Objectives {
		list = append(list, s.informed(i, o)...)
	}
	add := func(k Kind, threshold int64, c simulation.Contender) {
		list = append(list, candidate{k, allObjectives, threshold, c})
	}
	if s.OwnThreshold > 0 {
		c := policies.LagThreshold(s.OwnThreshold, false)
		c.Name = "your " + c.Name
		add(KindOwn, s.OwnThreshold, c)
	}
	for _, t := range s.LagThresholds {
		add(KindLag, t, policies.LagThreshold(t, false))
	}
	for _, t := range s.LagThresholds {
		add(KindEven, t, policies.LagThreshold(t, true))
	}
	mu := s.Scenario.ServiceRate
	add(KindCPU, 0, policies.CPU(0.7))
	add(KindRate, 0, policies.Rate(mu, 0.7))
	add(KindFlink, 0, policies.Flink("defaults", mu, policies.FlinkDefaults()))
	add(KindDruid, 0, policies.Druid(mu))
	add(KindCatchUp, 0, policies.CatchUp(mu))
	add(KindPeak, 0, policies.Static("static for the peak", s.peakSize()))
	add(KindMost, 0, policies.Static("static at the most", s.Scenario.Ceiling()))
	return slices.DeleteFunc(list, func(c candidate) bool { return len(s.Kinds) > 0 && !slices.Contains(s.Kinds, c.kind) })
}

// informed are the policies that know the objective.
func (s *Setup) informed(i int, objective time.Duration) []candidate {
	mu := s.Scenario.ServiceRate
	return []candidate{
		{KindLatency, i, 0, policies.Latency(fmt.Sprintf("targetLatency %s", Short(objective)), s.config(objective), s.past())},
		{KindLadder, i, 0, policies.LadderRate(mu, 0.9, objective)},
		{KindTuned, i, 0, policies.Flink("tuned", mu, policies.FlinkTuned(objective))},
		{KindPacking, i, 0, policies.BinPacking(mu, objective, s.Scenario.Pause)},
	}
}

// config is what a trigger would say: the objective, and nothing that can be learned.
func (s *Setup) config(objective time.Duration) latency.Config {
	c := latency.Config{
		TargetLatency: objective, Attainment: s.Attainment, ChangePrice: s.ChangePrice,
		MaxReplicas: int(s.Scenario.Ceiling()),
	}
	if s.ChangePrice == 0 {
		c.ChangePrice = -1 // the planner takes 0 for its default
	}
	if s.Scenario.Protocol != simulation.Eager {
		c.Rebalance = latency.Incremental
	}
	return c
}

// peakSize is the least size that takes the highest minute, as somebody would choose it who has seen it.
func (s *Setup) peakSize() int64 {
	peak := s.Trace.Peak(s.From, s.From+s.Scenario.Length)
	n := int64(math.Ceil(peak / s.Scenario.ServiceRate))
	for _, size := range s.sizes() {
		if size >= n {
			return size
		}
	}
	return s.Scenario.Ceiling()
}

// sizes are those among which the bound chooses.
func (s *Setup) sizes() []int64 {
	return simulation.Ladder(s.Scenario.Partitions, s.Scenario.MinReplicas, s.Scenario.Ceiling())
}

// Short shows 5m, not 5m0s.
func Short(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if n := len(text) - len(zero) + 1; n > 0 && text[n-1:] == zero {
			text = text[:n]
		}
	}
	return text
}
