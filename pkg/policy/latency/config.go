package latency

import (
	"fmt"
	"time"
)

// The range of targetLatency, and what is taken where nothing is said.
const (
	// LowestTarget is the shortest targetLatency. Below it the HPA's own interval decides.
	LowestTarget = 5 * time.Second
	// HighestTarget is the longest targetLatency.
	HighestTarget = time.Hour
	// DefaultAttainment is the share of records that are to be in time.
	DefaultAttainment = 0.999
	// DefaultChangePrice is what a change of size is worth, in replica-seconds.
	DefaultChangePrice = 600
	// MostPartitions bounds what one planner keeps in memory: 64 bytes a partition.
	MostPartitions = 100_000
)

// Rebalance is how members of a group hand partitions over. It only matters until the pause has been seen.
type Rebalance uint8

const (
	// Eager stops all members until the last one has joined again. It is taken where nothing is known.
	Eager Rebalance = iota
	// Incremental stops moved partitions only: cooperative assignors and KIP-848.
	Incremental
)

// Config is what the trigger says.
type Config struct {
	// TargetLatency is how old a record may be when it is consumed, from LowestTarget to HighestTarget.
	TargetLatency time.Duration
	// Attainment is the share of records that are to be in time, above 0.5 and below 1; 0 means DefaultAttainment.
	Attainment float64
	// MaxReplicas is the most replicas to ask for; 0 means that partitions alone limit it.
	MaxReplicas int
	// ServiceRate is what a busy replica consumes, in records a second; 0 means that it is learned.
	ServiceRate float64
	// StartupDelay is the time from asking for a replica until it consumes; 0 means that it is learned.
	StartupDelay time.Duration
	// ChangePrice is what a change of size is worth, in replica-seconds: high is calm, low is brisk; 0 means
	// DefaultChangePrice, and a negative one that a change costs nothing.
	ChangePrice float64
	// PartitionsPerReplica is how many members of the group one replica runs; 0 counts as 1.
	PartitionsPerReplica int
	// CoPartitioned says that partitions with the same id go to the same member, whatever their topic.
	CoPartitioned bool
	// Rebalance says how long a change is expected to stop consumers before that has been seen.
	Rebalance Rebalance
}

// Check returns what is wrong with the configuration, or nil.
func (c Config) Check() error {
	switch {
	case c.TargetLatency < LowestTarget || c.TargetLatency > HighestTarget:
		return fmt.Errorf("targetLatency is %s: it must be from %s to %s", c.TargetLatency, LowestTarget, HighestTarget)
	case c.Attainment != 0 && !(c.Attainment > 0.5 && c.Attainment < 1):
		return fmt.Errorf("targetAttainment is %v: it must be above 0.5 and below 1", c.Attainment)
	case c.MaxReplicas < 0:
		return fmt.Errorf("maxReplicas is %d: it must not be negative", c.MaxReplicas)
	case c.ServiceRate < 0 || c.ServiceRate > mostRate || c.ServiceRate != c.ServiceRate:
		return fmt.Errorf("serviceRate is %v: it must be from 0 (learned) to %.0f records a second", c.ServiceRate, float64(mostRate))
	case c.StartupDelay < 0 || c.StartupDelay > time.Hour:
		return fmt.Errorf("startupDelay is %s: it must be from 0 (learned) to 1h", c.StartupDelay)
	case c.PartitionsPerReplica < 0:
		return fmt.Errorf("partitionsPerReplica is %d: it must not be negative", c.PartitionsPerReplica)
	case c.ChangePrice != c.ChangePrice || c.ChangePrice > 1e9:
		return fmt.Errorf("changePrice is %v: it must be a number of replica-seconds up to 1e9", c.ChangePrice)
	}
	return nil
}

// mostRate is the highest rate that the package computes with, in records a second.
const mostRate = 1e9

// withDefaults fills in what nothing was said about.
func (c Config) withDefaults() Config {
	if c.Attainment == 0 {
		c.Attainment = DefaultAttainment
	}
	if c.ChangePrice == 0 {
		c.ChangePrice = DefaultChangePrice
	}
	c.ChangePrice = max(0, c.ChangePrice)
	c.PartitionsPerReplica = max(1, c.PartitionsPerReplica)
	return c
}
