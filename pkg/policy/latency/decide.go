package latency

import "fmt"

// lower counts for how many decisions in a row a smaller size would do, and the largest of these.
type lower struct{ n, highest int }

// lowerSteps is how many decisions in a row must agree on a smaller size.
const lowerSteps = 4

// decide makes the decision that is due.
func (p *Planner) decide(o *Observation) {
	f, c := &p.flow, &p.config
	var past lastHour
	past.read(&f.history)
	s := f.look(o, c, &past, p.memberRate().PerSecond)
	have := ceilDiv(f.members, c.PartitionsPerReplica)
	feeds := newLadder(len(s.units), c.PartitionsPerReplica)
	p.measure(s, have, feeds)
	p.turns.learn(s, len(s.units), 3*float64(f.interval.seconds()+f.every))
	p.budget.account(s.late, s.avoidable, c.Attainment)
	outlook := f.history.lookAhead(&past, p.budget.quantile())
	d := p.describe(o, s, &outlook, have)
	if p.ready(o, &outlook, have, &d) {
		p.note(s, &d)
		p.choose(s, &past, &outlook, have, feeds, &d)
	}
	if !d.Hold && d.Replicas != p.wanted {
		f.begin(&p.change, o.At, p.wanted, d.Replicas)
		p.wanted, p.lower = d.Replicas, lower{}
	}
	p.decision = d
	f.event = events{}
}

// measure learns what members do.
func (p *Planner) measure(s *scene, have int, sizes ladder) {
	p.service.learn(s)
	if !s.measured || !s.allBusy || have < 1 || p.change.under {
		return
	}
	if each := p.effect.learn(have, s.total.speed, s.at, sizes); each > 0 {
		p.service.forget(each / float64(p.config.PartitionsPerReplica))
	}
}

// describe begins the decision with what is known.
func (p *Planner) describe(o *Observation, s *scene, outlook *outlook, have int) Decision {
	c := &p.config
	d := Decision{
		At: o.At.Truncate(Interval), Latency: asDuration(s.oldest), InTime: p.budget.inTime,
		Forecast: outlook.show(), Quantile: p.budget.quantile(), Service: p.memberRate(),
		Startup: p.delays.startupDelay(c), Pause: p.delays.pause(c, true, p.flow.unseen()),
		CommitDelay: asDuration(float64(p.flow.interval.seconds())),
		Replicas:    have,
	}
	d.Service.PerSecond *= float64(c.PartitionsPerReplica)
	reason := fmt.Sprintf("%s: %s", count(p.flow.members, "member"), count(have, "replica"))
	if p.wanted > 0 {
		d.Replicas = p.wanted
		reason += fmt.Sprintf("; %d asked for", p.wanted)
	}
	d.Current = d.Replicas
	d.step(RuleCurrent, d.Replicas, reason)
	return d
}

// ready reports whether there can be a number; the decision then has a reason to hold.
func (p *Planner) ready(o *Observation, outlook *outlook, have int, d *Decision) bool {
	switch {
	case o.At.Sub(p.flow.began) < watchOnly:
		*d = d.hold(RuleFirstMinute, "watching for a minute first: replicas that are starting cannot be seen yet")
	case d.Replicas < 1:
		*d = d.hold(RuleUnknown, "the group has no member, and nothing is known of it yet")
	case !outlook.known:
		*d = d.hold(RuleUnknown, "what arrives has not been seen for a minute yet")
	default:
		if p.wanted == 0 {
			p.wanted = have
		}
		return true
	}
	return false
}

// choose finds the size.
func (p *Planner) choose(s *scene, past *lastHour, outlook *outlook, have int, feeds ladder, d *Decision) {
	sizes := p.allowed(feeds)
	rate := p.memberRate()
	if rate.Source != Learned && rate.Source != Configured {
		p.probe(s, sizes, d)
		p.bound(sizes, feeds, len(s.units), 0, d)
		return
	}
	c := p.chooser(s, past, outlook, have, sizes, d)
	if p.flow.silent(s) {
		d.step(RuleStuck, d.Replicas, "the group is stable and has records, but nobody commits: more replicas would not help")
		d.Limit = RuleStuck
		if d.Replicas > sizes.top() {
			p.bound(sizes, feeds, len(s.units), 0, d)
		}
		return
	}
	p.replay.note(&p.flow, s, c.limit)
	p.pick(c, s, d)
	p.heed(c, d)
	p.bound(sizes, feeds, len(s.units), c.need(), d)
	p.short(have, d)
	d.Sizes = c.table(d.Replicas)
}

// pick chooses among sizes by what they would bring.
func (p *Planner) pick(c *chooser, s *scene, d *Decision) {
	switch now := c.judge(p.wanted); {
	case !p.replay.until.IsZero():
		p.play(c, s, d)
	case !c.safe(now) && p.wanted < c.sizes.top():
		p.goUp(c, now, d)
	default:
		p.goDown(c, s, d)
	}
}

// allowed are the sizes up to the maximum.
func (p *Planner) allowed(sizes ladder) ladder {
	if most := p.config.MaxReplicas; most > 0 {
		for len(sizes) > 1 && sizes.top() > most {
			sizes = sizes[:len(sizes)-1]
		}
	}
	return sizes
}

func (p *Planner) chooser(s *scene, past *lastHour, outlook *outlook, have int, sizes ladder, d *Decision) *chooser {
	c := &p.config
	ch := &chooser{
		scene: s, turns: &p.turns, high: newFuture(past, &outlook.high), sizes: sizes,
		threads: c.PartitionsPerReplica, service: p.memberRate().PerSecond,
		limit: p.budget.share() * c.TargetLatency.Seconds(), boldness: p.budget.share(), startup: d.Startup.Duration.Seconds(),
		pauseUp: d.Pause.Duration.Seconds(), pauseDown: p.delays.pause(c, false, p.flow.unseen()).Duration.Seconds(),
		inexact: float64(p.flow.interval.seconds() + p.flow.every/2),
		price:   c.ChangePrice, age: s.age(past), have: min(have, p.wanted), ordered: p.wanted,
		margin: Interval.Seconds() + float64(p.flow.every) + mostCaution*p.budget.caution,
	}
	if p.change.up() {
		ch.waited = p.flow.at.Sub(p.change.ordered).Seconds()
	}
	return ch
}

// play sizes for a replay.
func (p *Planner) play(c *chooser, s *scene, d *Decision) {
	n := c.sizes.up(p.replay.size(c, s, p.flow.at))
	if n < p.wanted && (p.change.under || p.flow.state != Stable) {
		n = p.wanted
	}
	d.step(RuleReplay, max(n, p.wanted), fmt.Sprintf("%.0f old records are consumed once more; %s end that by %s",
		s.total.backlog, count(n, "replica"), p.replay.until.UTC().Format("15:04:05")))
	d.Limit = RuleReplay
}

// goUp jumps to the size that is needed, at once.
func (p *Planner) goUp(c *chooser, now *prospect, d *Decision) {
	p.lower = lower{}
	if p.change.up() && now.asGoodAs(c.judge(c.sizes.top())) {
		d.step(RuleRebalance, d.Replicas, fmt.Sprintf("from %d to %d replicas is under way, and more would not be earlier", p.change.from, p.change.to))
		d.Limit = RuleRebalance
		return
	}
	to := c.up(p.wanted + 1)
	d.step(RuleScaleUp, to.size, fmt.Sprintf("%s would be enough for %s, and a change takes %s; %d are the fewest that keep records as young as any number could",
		count(p.wanted, "replica"), rounded(now.lasts), rounded(c.startup+c.pauseUp), to.size))
}

// goDown takes a smaller size where one has been enough for a while.
func (p *Planner) goDown(c *chooser, s *scene, d *Decision) {
	to := c.down(p.wanted)
	switch {
	case to == nil || s.avoidable > 0 || c.age > c.limitOf(p.wanted) || p.flow.event.reset:
		p.lower = lower{}
		return
	case p.change.under || p.flow.state != Stable:
		p.lower = lower{}
		d.step(RuleRebalance, d.Replicas, fmt.Sprintf("%s would do, but a rebalance is under way", count(to.size, "replica")))
		d.Limit = RuleRebalance
		return
	}
	p.lower.n++
	p.lower.highest = max(p.lower.highest, to.size)
	if p.lower.n < lowerSteps {
		return
	}
	to = c.judge(p.lower.highest)
	d.step(RuleScaleDown, to.size, fmt.Sprintf("%s are enough for %s or longer, and it pays from %s on",
		count(to.size, "replica"), rounded(to.lasts), rounded(c.pays(to.size, p.wanted, 2))))
}

// heed keeps to the sizes that have helped.
func (p *Planner) heed(c *chooser, d *Decision) {
	at := p.flow.at
	most := p.effect.limit(at, c.sizes)
	if most == 0 || d.Replicas <= most {
		return
	}
	if p.change.under && most < p.wanted {
		most = p.wanted // the change must end first
	}
	d.step(RuleIneffective, min(d.Replicas, most), p.effect.reason(at))
	d.Limit = RuleIneffective
}

func (p *Planner) memberRate() Rate { return p.service.estimate(&p.config) }
