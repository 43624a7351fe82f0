package latency_test

import (
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestConfigCheck(t *testing.T) {
	good := latency.Config{TargetLatency: 30 * time.Second}
	for name, c := range map[string]struct {
		change func(*latency.Config)
		bad    bool
	}{
		"the least":              {func(*latency.Config) {}, false},
		"shortest":               {func(c *latency.Config) { c.TargetLatency = 5 * time.Second }, false},
		"too short":              {func(c *latency.Config) { c.TargetLatency = 5*time.Second - 1 }, true},
		"longest":                {func(c *latency.Config) { c.TargetLatency = time.Hour }, false},
		"too long":               {func(c *latency.Config) { c.TargetLatency = time.Hour + 1 }, true},
		"all records in time":    {func(c *latency.Config) { c.Attainment = 1 }, true},
		"half of them":           {func(c *latency.Config) { c.Attainment = 0.5 }, true},
		"negative rate":          {func(c *latency.Config) { c.ServiceRate = -1 }, true},
		"negative delay":         {func(c *latency.Config) { c.StartupDelay = -1 }, true},
		"negative maximum":       {func(c *latency.Config) { c.MaxReplicas = -1 }, true},
		"negative threads":       {func(c *latency.Config) { c.PartitionsPerReplica = -1 }, true},
		"changes cost nothing":   {func(c *latency.Config) { c.ChangePrice = -1 }, false},
		"changes cost the world": {func(c *latency.Config) { c.ChangePrice = 1e10 }, true},
	} {
		config := good
		c.change(&config)
		if err := config.Check(); (err != nil) != c.bad {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Until something is known the answer is to hold: a number would take replicas away that are starting.
func TestHoldsUntilItKnows(t *testing.T) {
	p := latency.New(latency.Config{TargetLatency: time.Minute})
	if d := p.Decide(start); !d.Hold {
		t.Errorf("knows %d without an observation", d.Replicas)
	}
	at := start
	observe := func(members int) {
		at = at.Add(5 * time.Second)
		p.Observe(latency.Observation{At: at, State: latency.Stable, Members: members, Partitions: make([]latency.Partition, 6)})
	}
	for range 11 {
		observe(3)
		if d := p.Decide(at); !d.Hold {
			t.Fatalf("knows %d after %s", d.Replicas, at.Sub(start))
		}
	}
	for range 4 {
		observe(3)
	}
	if d := p.Decide(at); d.Hold || d.Replicas != 3 {
		t.Errorf("after a minute: %+v", d)
	}
	if d := p.Decide(at.Add(latency.MaxAge + 1)); !d.Hold {
		t.Error("an observation that is too old still counts")
	}
	observe(latency.UnknownMembers)
	if d := p.Decide(at); d.Hold || d.Replicas != 3 {
		t.Errorf("one gap changes the answer: %+v", d)
	}
}
