package latency

import (
	"fmt"
	"slices"
	"time"
)

const (
	// Interval is the time between two decisions. They are made at its multiples on the clock.
	Interval = 15 * time.Second
	// MaxAge is how old the newest complete observation may be before the number stops being known.
	MaxAge = time.Minute
	// watchOnly is how long after its first observation a planner only watches.
	watchOnly = time.Minute
)

// Planner decides on the replicas of one trigger. It is not safe for concurrent use.
type Planner struct {
	config   Config
	first    time.Time // the first complete observation
	last     time.Time // the newest observation
	complete time.Time // the newest complete observation
	members  int
	decision Decision
}

// New returns a planner that has seen nothing yet. The configuration must pass [Config.Check].
func New(config Config) *Planner {
	return &Planner{config: config.withDefaults(), members: UnknownMembers}
}

// Recall tells about arrivals of the past, in any order and also later than observations. What has been
// observed counts more.
func (*Planner) Recall(...Arrivals) {}

// Observe takes what Kafka said, and makes a decision where it is time for one.
func (p *Planner) Observe(o Observation) {
	if !o.At.After(p.last) || len(o.Partitions) > MostPartitions {
		return
	}
	due := o.At.Truncate(Interval).After(p.last)
	p.last = o.At
	if o.Members < 0 || o.State == StateUnknown || !o.complete() {
		return
	}
	if p.first.IsZero() {
		p.first = o.At
	}
	p.complete, p.members = o.At, o.Members
	if due {
		p.decide(o.At.Truncate(Interval), len(o.Partitions))
	}
}

func (o *Observation) complete() bool {
	for i := range o.Partitions {
		if o.Partitions[i].LogEnd < 0 || o.Partitions[i].Committed < 0 {
			return false
		}
	}
	return len(o.Partitions) > 0
}

func (p *Planner) decide(at time.Time, partitions int) {
	threads := p.config.PartitionsPerReplica
	current := ceilDiv(p.members, threads)
	d := Decision{At: at, Replicas: current, Current: current, InTime: 1}
	d.step(RuleCurrent, current, fmt.Sprintf("%d members: %d replicas", p.members, current))
	if most := ceilDiv(partitions, threads); current > most {
		d.Limit = RulePartitionBound
		d.step(RulePartitionBound, most, fmt.Sprintf("%d partitions feed at most %d replicas", partitions, most))
	}
	p.decision = d
}

// Decide returns the newest decision, or one to hold where nothing is known any more.
func (p *Planner) Decide(now time.Time) Decision {
	d := p.decision
	switch {
	case d.At.IsZero():
		return d.hold(RuleUnknown, "no decision yet: the group has not been seen completely")
	case now.Sub(p.complete) > MaxAge:
		return d.hold(RuleUnknown, fmt.Sprintf("the group was last seen completely %s ago", now.Sub(p.complete).Round(time.Second)))
	case now.Sub(p.first) < watchOnly:
		return d.hold(RuleFirstMinute, "watching for a minute first: replicas that are starting cannot be seen yet")
	case d.Replicas < 1:
		return d.hold(RuleUnknown, "the group has no member, and nothing is known of it")
	}
	return d
}

func (d Decision) hold(rule Rule, reason string) Decision {
	d.Hold, d.Limit = true, rule
	d.Steps = append(slices.Clip(d.Steps), Step{rule, d.Replicas, d.Replicas, reason})
	return d
}

// step records what a rule did, and does it.
func (d *Decision) step(rule Rule, after int, reason string) {
	before := d.Replicas
	if rule == RuleCurrent {
		before = after
	}
	d.Steps = append(d.Steps, Step{rule, before, after, reason})
	d.Replicas = after
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
