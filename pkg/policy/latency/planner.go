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
	flow     flow
	service  service
	delays   delays
	effect   effect
	budget   budget
	turns    turns
	replay   replay
	last     time.Time // the newest complete observation
	wanted   int       // the size last asked for; 0 as long as there is none
	change   change    // on the way to it
	lower    lower
	missing  time.Time // since when there are fewer replicas than asked for
	decision Decision
}

// New returns a planner that has seen nothing yet. The configuration must pass [Config.Check].
func New(config Config) *Planner {
	return &Planner{config: config.withDefaults(), flow: newFlow(), budget: budget{inTime: 1}, turns: turns{one: 1}}
}

// Recall tells about arrivals of the past, in any order and also later than observations. What has been
// observed counts more. Spans of up to a minute say most, longer ones only something about longer steps.
func (p *Planner) Recall(spans ...Arrivals) { p.flow.history.recall(spans) }

// Observe takes what Kafka said, and makes a decision where it is time for one. An observation that lacks an
// offset, the number of members or the group's state tells nothing.
func (p *Planner) Observe(o Observation) {
	if !o.At.After(p.last) || len(o.Partitions) > MostPartitions {
		return
	}
	due := o.At.Truncate(Interval).After(p.last)
	if o.Members < 0 || o.State == StateUnknown || !o.complete() {
		return
	}
	p.last = o.At
	p.flow.take(&o)
	p.flow.end(&p.change, &p.delays, p.config.PartitionsPerReplica)
	if due {
		p.decide(&o)
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

// Decide returns the newest decision, or one to hold where nothing is known any more.
func (p *Planner) Decide(now time.Time) Decision {
	d := p.decision
	switch age := now.Sub(p.last); {
	case d.At.IsZero():
		return d.hold(RuleUnknown, "no decision yet: the group has not been seen completely")
	case age > MaxAge:
		return d.hold(RuleUnknown, fmt.Sprintf("the group was last seen completely %s ago", age.Round(time.Second)))
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
	d.Steps = append(d.Steps, Step{rule, d.Replicas, after, reason})
	d.Replicas = after
}
