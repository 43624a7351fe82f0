package policies_test

import (
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/policies"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// fed shows a policy a group of 12 partitions into which rate records a second arrive for ten minutes, and
// which has the given lag all the time, and returns the replicas that it asks for at the end.
func fed(c simulation.Contender, rate float64, lag int64, replicas int64, cpu float64) float64 {
	v := &simulation.View{
		LogEnd: make([]int64, 12), Committed: make([]int64, 12), Owner: make([]int, 12),
		Members: int(replicas), Replicas: replicas, CPU: cpu,
	}
	answer := 0.0
	for v.At = 0; v.At <= 10*time.Minute; v.At += simulation.ObserveInterval {
		for p := range v.LogEnd {
			v.LogEnd[p] = int64(rate*v.At.Seconds()/12) + lag/12
			v.Committed[p] = v.LogEnd[p] - lag/12
		}
		c.Policy.Observe(v)
		if v.At%(15*time.Second) == 0 {
			value, target, known := c.Policy.Metric(v)
			if !known || target <= 0 {
				return -1
			}
			answer = value / target
		}
	}
	return answer
}

// Each formula, at a place where it can be computed by hand. The service rate is 10.
func TestFormulas(t *testing.T) {
	minute := time.Minute
	for _, test := range []struct {
		name      string
		contender simulation.Contender
		rate      float64
		lag       int64
		replicas  int64
		cpu       float64
		want      float64
	}{
		{"lag over threshold", policies.LagThreshold(100, false), 60, 600, 6, 6, 6},
		{"no more than partitions", policies.LagThreshold(10, false), 60, 600, 6, 6, 12},
		{"five would do, and do not divide", policies.LagThreshold(120, true), 60, 600, 6, 6, 6},
		{"CPU", policies.CPU(0.7), 60, 0, 6, 4.2, 6},
		{"rate", policies.Rate(10, 0.5), 60, 0, 6, 6, 12},
		{"rate and lag on the ladder: (24 + 60/60)/9 = 2.8", policies.LadderRate(10, 0.9, minute), 24, 60, 6, 6, 3},
		{"rate on the ladder: 60/9 = 6.7", policies.LadderRate(10, 0.9, minute), 60, 0, 6, 6, 12},
		{"a fifth of the lag each minute: (24 + 600/300)/10", policies.CatchUp(10), 24, 600, 6, 6, 2.6},
		{"within the boundaries", policies.Flink("", 10, policies.FlinkTuned(10*minute)), 30, 0, 4, 4, 4},
		{"60/0.7 + 60 x 35/600 = 89", policies.Flink("", 10, policies.FlinkTuned(10*minute)), 60, 0, 4, 4, 12},
		{"40/0.7/10 = 5.7", policies.Flink("", 10, policies.FlinkTuned(time.Hour)), 40, 0, 3, 3, 6},
		{"12 partitions of 2.5, three in 9", policies.BinPacking(10, minute, 0), 30, 0, 1, 1, 4},
		{"12 partitions of 1 in 4: enough", policies.BinPacking(10, minute, 0), 12, 0, 3, 1.2, 3},
		{"12 partitions of 1 in 4: too many", policies.BinPacking(10, minute, 0), 12, 0, 6, 1.2, 3},
		{"idle costs more than lag", policies.Druid(10), 30, 600, 4, 4, 4},
		{"so much lag that it does not", policies.Druid(10), 30, 12_000_000, 4, 4, 12},
		{"static", policies.Static("", 7), 60, 600, 3, 3, 7},
	} {
		if got := fed(test.contender, test.rate, test.lag, test.replicas, test.cpu); got < test.want-0.05 || got > test.want+0.05 {
			t.Errorf("%s (%s): %g replicas, want %g", test.name, test.contender.Name, got, test.want)
		}
	}
}

// The planner is the product's: what it asks for, it decides itself, and what it does not know is no number.
func TestLatencyHolds(t *testing.T) {
	c := policies.Latency("", latencyConfig(), nil)
	v := &simulation.View{LogEnd: []int64{5}, Committed: []int64{5}, Owner: []int{0}, Members: 1, Replicas: 1}
	if _, _, known := c.Policy.Metric(v); known {
		t.Error("a planner that has seen nothing names a number")
	}
	for v.At = 0; v.At < 10*time.Minute; v.At += simulation.ObserveInterval {
		c.Policy.Observe(v)
	}
	value, target, known := c.Policy.Metric(v)
	if !known || value != 1 || target != 1 {
		t.Errorf("got %g / %g, %t", value, target, known)
	}
}

func latencyConfig() latency.Config { return latency.Config{TargetLatency: 30 * time.Second} }
