package latency

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

const (
	// probeEvery is the time between two steps down that are to show what a busy replica does.
	probeEvery = 2 * time.Minute
	// probeAge is the share of the target that the oldest record must be younger than for that.
	probeAge = 0.1
	// backAge is the share from which on it is taken back.
	backAge = 0.3
	// replayTime is how long a replay of old records may take.
	replayTime = 30 * time.Minute
)

// note adds steps about what no number of replicas changes.
func (p *Planner) note(s *scene, d *Decision) {
	f := &p.flow
	if f.event.grown {
		d.step(RulePartitionsGrown, d.Replicas, fmt.Sprintf("there are %s now; new ones have no past yet", count(len(f.parts), "partition")))
	}
	if f.event.reset {
		d.step(RuleOffsetsReset, d.Replicas, "offsets went backwards, or partitions are other ones: what was known of them is forgotten")
	}
	if s.hot > 0 {
		d.step(RuleHotPartition, d.Replicas, fmt.Sprintf("%s more than the %.3g records a second that a member can do; no number of replicas helps, so none is paid for it",
			gets(s.hot), p.memberRate().PerSecond))
		d.Limit = RuleHotPartition
	}
	if s.stuck > 0 {
		d.step(RuleStuck, d.Replicas, fmt.Sprintf("%s of %d had records and no commit for a minute or longer although the group is stable; they do not count",
			count(s.stuck, "partition"), len(f.parts)))
		d.Limit = RuleStuck
	}
}

func gets(partitions int) string {
	if partitions == 1 {
		return "1 partition gets"
	}
	return count(partitions, "partition") + " get"
}

// silent reports whether the group has work and is stable, and yet nobody has committed for longer than usual.
func (f *flow) silent(s *scene) bool {
	if f.state != Stable || f.event.reassigned || f.event.moved || s.total.backlog < 1 {
		f.quiet = 0
		return false
	}
	f.quiet = min(f.quiet+1, 1000)
	// The first time the work may have come just before.
	return float64(f.quiet-1)*Interval.Seconds() >= max(Interval.Seconds(), 3*float64(f.interval.seconds()))
}

// probe goes one size down to find out what a busy replica does, where records are young. It goes back at once
// where they grow old: by then somebody is busy, and it will be known.
func (p *Planner) probe(s *scene, sizes ladder, d *Decision) {
	f, target := &p.flow, p.config.TargetLatency.Seconds()
	// Ages are computed from commits, and are no more exact than these.
	inexact := float64(f.interval.seconds() + f.every)
	settled := f.state == Stable && !p.change.under && f.at.Sub(p.settled()) >= probeEvery
	larger := sizes.up(d.Replicas + 1)
	switch smaller := sizes.below(d.Replicas); {
	case s.oldest > max(backAge*target, 2*inexact) && d.Replicas < larger && !p.change.up():
		d.step(RuleLearning, larger, fmt.Sprintf("what a busy replica does is not known yet, and records are %s old: back to %s",
			rounded(s.oldest), count(larger, "replica")))
	case smaller > 0 && settled && s.oldest <= min(max(probeAge*target, inexact), target):
		d.step(RuleProbe, smaller, fmt.Sprintf("no member has had enough to do yet: %s instead of %d will show what one can do",
			count(smaller, "replica"), d.Replicas))
	default:
		d.step(RuleLearning, d.Replicas, "what a busy replica does is not known yet: the group keeps what it has")
		d.Limit = RuleLearning
	}
}

// settled is when the last change was ordered, or when the planner began.
func (p *Planner) settled() time.Time {
	if p.change.ordered.After(p.flow.began) {
		return p.change.ordered
	}
	return p.flow.began
}

// replay is a time by which old records that are consumed once more are to be done.
type replay struct{ until time.Time }

// note begins a replay where commits went backwards by more than the target is worth, and ends it.
func (r *replay) note(f *flow, s *scene, limit float64) {
	switch {
	case f.event.replay && s.oldest > limit:
		if r.until.IsZero() {
			r.until = f.at.Add(replayTime)
		}
	case s.oldest <= limit:
		r.until = time.Time{}
	}
}

// size is the smallest that is done in time, and consumes what arrives besides.
func (r *replay) size(c *chooser, s *scene, at time.Time) int {
	left := max(r.until.Sub(at).Seconds(), 5*60)
	rate := c.high.rates[0] + s.total.backlog/left
	for _, size := range c.sizes {
		if c.share(size)*rate <= c.service {
			return size
		}
	}
	return c.sizes.top()
}

// bound keeps the decision within what partitions can feed, and within the maximum. need is how many replicas
// would have enough to do.
func (p *Planner) bound(allowed, feeds ladder, partitions, need int, d *Decision) {
	most := allowed.top()
	if d.Replicas <= most && need <= most {
		return
	}
	if most < feeds.top() {
		d.step(RuleMaxReplicas, min(d.Replicas, most), fmt.Sprintf("maxReplicas %d allows no more than %s", p.config.MaxReplicas, count(most, "replica")))
		d.Limit = RuleMaxReplicas
		return
	}
	reason := fmt.Sprintf("%s feed at most %s", count(partitions, "partition"), count(most, "replica"))
	if need > most {
		reason += fmt.Sprintf(": %d partitions would do", need*p.config.PartitionsPerReplica)
	}
	d.step(RulePartitionBound, min(d.Replicas, most), reason)
	d.Limit = RulePartitionBound
}

// need is how many replicas what arrives keeps busy.
func (c *chooser) need() int {
	need := c.high.rates[0] * c.scene.countedShare() / (c.service * float64(c.threads))
	return int(math.Ceil(min(need, 1e6)))
}

// short says that fewer replicas came than were asked for, for long.
func (p *Planner) short(have int, d *Decision) {
	if have >= p.wanted || p.wanted == 0 {
		p.missing = time.Time{}
		return
	}
	if p.missing.IsZero() {
		p.missing = p.flow.at
	}
	since := p.flow.at.Sub(p.missing)
	if since < 3*(d.Startup.Duration+d.Pause.Duration)+time.Minute {
		return
	}
	d.step(RuleLimitedElsewhere, d.Replicas, fmt.Sprintf("%d asked for, %d seen for %s: look at maxReplicaCount, at quota, and for pods that are pending",
		p.wanted, have, rounded(since.Seconds())))
	d.Limit = RuleLimitedElsewhere
}

// count names a number of things: "1 replica", "5 replicas".
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}
