package latency_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// drawn is a consumer group that rapid makes up: its size, what it can do, and what arrives, which takes
// another level every few minutes.
func drawn(t *rapid.T) (w *world, c latency.Config, replicas int) {
	partitions := rapid.IntRange(1, 24).Draw(t, "partitions")
	levels := rapid.SliceOfN(rapid.Float64Range(0, 1.3), 4, 4).Draw(t, "levels")
	w = newWorld(partitions, 20, rapid.Uint64Range(0, 1000).Draw(t, "seed"), func(s float64) float64 {
		return levels[min(int(s/180), len(levels)-1)] * 20 * float64(partitions)
	})
	w.threads = rapid.IntRange(1, 3).Draw(t, "threads")
	w.eager = rapid.Bool().Draw(t, "eager")
	c = latency.Config{
		TargetLatency:        time.Duration(rapid.IntRange(5, 120).Draw(t, "target")) * time.Second,
		PartitionsPerReplica: w.threads,
		MaxReplicas:          rapid.IntRange(0, partitions).Draw(t, "maxReplicas"),
	}
	return w, c, rapid.IntRange(1, partitions+3).Draw(t, "replicas")
}

// A number that counts is never more than partitions feed, nor more than the maximum.
func TestNeverMoreThanPartitionsFeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, c, replicas := drawn(t)
		most := (len(w.queues) + w.threads - 1) / w.threads
		if c.MaxReplicas > 0 {
			most = min(most, c.MaxReplicas)
		}
		w.onDecision = func(d latency.Decision) {
			if !d.Hold && d.Replicas > most {
				t.Fatalf("%d replicas for %d partitions, %d each, maximum %d: %+v", d.Replicas, len(w.queues), w.threads, c.MaxReplicas, d.Steps)
			}
		}
		w.planned(c, replicas)
		w.hungUntil = rapid.IntRange(0, 400).Draw(t, "hungUntil")
		w.run(700)
	})
}

// While records are late no replica is taken away, but those that have been seen not to help, or that nothing
// feeds.
func TestNeverDownWhileLate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, c, replicas := drawn(t)
		c.MaxReplicas = 0
		w.onDecision = func(d latency.Decision) {
			if d.Hold || d.Latency <= c.TargetLatency {
				return
			}
			for _, s := range d.Steps {
				down := s.After < s.Before
				if down && s.Rule != latency.RuleIneffective && s.Rule != latency.RulePartitionBound {
					t.Fatalf("%s from %d to %d although records are %s old: %s", s.Rule, s.Before, s.After, d.Latency, s.Reason)
				}
			}
		}
		w.planned(c, replicas)
		w.run(700)
	})
}

// A scaler that restarts, at any moment, takes no replica away within its first minute.
func TestRestartTakesNothingAwayForAMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, c, replicas := drawn(t)
		w.planned(c, replicas)
		w.run(rapid.IntRange(1, 700).Draw(t, "restart"))
		asked := w.asked
		w.planner = latency.New(c)
		for range 60 {
			w.step()
			if w.asked < asked {
				t.Fatalf("%d of %d replicas are left", w.asked, asked)
			}
		}
	})
}

// Two planners that see the same decide the same, however often they are asked.
func TestTwoPlannersAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, c, replicas := drawn(t)
		w.planned(c, replicas)
		other, asks := latency.New(c), rapid.IntRange(1, 60).Draw(t, "asks")
		for range 700 {
			w.step()
			if w.second%w.observes == 0 {
				w.observe(other)
			}
			if w.second%asks == 0 {
				other.Decide(w.now())
			}
			if one, two := w.planner.Decide(w.now()), other.Decide(w.now()); !reflect.DeepEqual(one, two) {
				t.Fatalf("after %d s: %+v\nand %+v", w.second, one, two)
			}
		}
	})
}

// Whatever a group is like that observations describe, also one that no Kafka would have, the planner neither
// panics nor asks for less than one replica.
func TestBearsAnyObservation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := latency.New(latency.Config{TargetLatency: 30 * time.Second})
		at := start
		for range rapid.IntRange(1, 40).Draw(t, "observations") {
			at = at.Add(time.Duration(rapid.Int64Range(-int64(time.Minute), int64(time.Hour)).Draw(t, "after")))
			o := latency.Observation{
				At: at, State: latency.GroupState(rapid.IntRange(0, 3).Draw(t, "state")),
				Members:    rapid.IntRange(-1, 1<<20).Draw(t, "members"),
				Generation: rapid.Int64().Draw(t, "generation"), Layout: rapid.Int64Range(0, 1).Draw(t, "layout"),
			}
			for range rapid.IntRange(0, 5).Draw(t, "partitions") {
				o.Partitions = append(o.Partitions, latency.Partition{
					ID: rapid.Int32().Draw(t, "id"), Owner: rapid.Int32().Draw(t, "owner"),
					LogEnd: rapid.Int64Min(-1).Draw(t, "end"), Committed: rapid.Int64Min(-1).Draw(t, "committed"),
				})
			}
			p.Observe(o)
			if d := p.Decide(at); !d.Hold && d.Replicas < 1 {
				t.Fatalf("%+v", d)
			}
		}
	})
}
