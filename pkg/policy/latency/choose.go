package latency

import (
	"fmt"
	"math"
	"time"
)

// prospect is what a size would bring on the high path of arrivals.
type prospect struct {
	size int
	course
}

// chooser compares sizes at one decision. Times are in seconds.
type chooser struct {
	scene         *scene
	turns         *turns
	high          *future
	sizes         ladder
	threads       int
	service       float64 // what a member can do, in records a second
	limit         float64 // the age that no record is to reach
	boldness      float64 // the limit as a share of the target
	startup       float64 // until new replicas join
	waited        float64 // since the replicas that are on their way were ordered
	pauseUp       float64 // for how long a change stops consumers
	pauseDown     float64
	price         float64 // of a change, in replica-seconds
	margin        float64 // how much time must be left to order the next change
	age           float64 // of the oldest record now
	inexact       float64 // by how much the age may be too high, for commits are late
	have, ordered int     // replicas that consume, and that were asked for
	judged        []*prospect
}

const (
	// catchUp is by how much later than the largest size a smaller one may have caught up, in seconds.
	catchUp = 40
	// leastStay is how long a smaller size must last at least, in seconds.
	leastStay = 120
)

// judge computes what a size would bring.
func (c *chooser) judge(size int) *prospect {
	for _, p := range c.judged {
		if p.size == size {
			return p
		}
	}
	plan := plan{age: c.age, before: c.share(c.have), after: c.share(size)}
	switch waited := c.waited; {
	case size > c.have:
		if size > c.ordered {
			waited = 0 // further replicas have to start
		}
		plan.until = max(0, c.startup-waited)
		plan.pause = min(c.pauseUp, max(0, c.startup+c.pauseUp-waited))
	case size < c.have:
		plan.pause = c.pauseDown
	}
	plan.soon = plan.until + plan.pause + c.startup + c.pauseUp
	if c.have < 1 {
		plan.until, plan.pause = 0, plan.until+plan.pause // nobody consumes yet
	}
	limit := c.limitOf(size)
	p := &prospect{size, c.high.run(&plan, c.service, limit/c.boldness, limit, max(limit-c.pauseUp, c.inexact))}
	c.judged = append(c.judged, p)
	return p
}

// limitOf is the age up to which the backlog of a size may grow, so that no record of it gets too old.
func (c *chooser) limitOf(size int) float64 {
	return c.limit / c.turns.factor(ceilDiv(len(c.scene.units), size*c.threads))
}

func (c *chooser) share(replicas int) float64 { return c.scene.share(replicas * c.threads) }

// left is how long a size can go on until the next change must be ordered.
func (c *chooser) left(p *prospect) float64 { return max(0, p.lasts-c.startup) }

// safe reports whether the next change can still be ordered in time after this size.
func (c *chooser) safe(p *prospect) bool { return c.left(p) >= c.margin }

// pays is how long a size must last so that it is cheaper than a larger one, with so many changes more: in that
// time it saves what they are worth, and what replicas cost that are paid for while they start.
func (c *chooser) pays(size, larger, changes int) float64 {
	return max(leastStay, c.startup+c.pauseUp+float64(changes)*c.price/float64(larger-size))
}

// up returns the smallest size from one on whose records are as little late as with the largest one, and that
// lasts long enough to pay.
func (c *chooser) up(from int) *prospect {
	best := c.judge(c.sizes.top())
	for i := c.sizes.at(from); i < len(c.sizes)-1; i++ {
		p := c.judge(c.sizes[i])
		if p.asGoodAs(best) && c.safe(p) && p.lasts >= c.pays(p.size, c.sizes[i+1], 1) {
			return p
		}
	}
	return best
}

// asGoodAs reports whether one size is no later than another.
func (p *prospect) asGoodAs(best *prospect) bool {
	if math.IsInf(best.recovered, 1) {
		return p.end <= best.end*1.02+1
	}
	return p.recovered <= best.recovered*1.05+catchUp
}

// down returns the smallest size below one from which a later change can still repair what goes wrong, and that
// lasts long enough to pay for going down and up again; nil where there is none.
func (c *chooser) down(from int) *prospect {
	if c.age+c.pauseDown > c.limitOf(from) {
		return nil
	}
	need := c.high.rates[0] * c.scene.countedShare() / c.service / float64(c.threads)
	for _, size := range c.sizes {
		if size >= from {
			break
		}
		if float64(size) < need/2 {
			continue
		}
		if p := c.judge(size); c.fits(p, from) {
			return p
		}
	}
	return nil
}

func (c *chooser) fits(p *prospect, from int) bool {
	return c.left(p) >= c.margin+Interval.Seconds() && p.lasts >= c.pays(p.size, from, 2)
}

// table compares the sizes next to the one that was chosen.
func (c *chooser) table(chosen int) []Size {
	const neighbours = 2
	at := c.sizes.at(chosen)
	first, last := max(0, at-neighbours), min(len(c.sizes)-1, at+neighbours)
	list := make([]Size, 0, last-first+1)
	for i := first; i <= last; i++ {
		p := c.judge(c.sizes[i])
		s := Size{
			Replicas: p.size, Worst: asDuration(p.worst), Lasts: asDuration(p.lasts), InTime: 1,
			ReplicaHours: float64(p.size), Why: c.why(p, chosen),
		}
		if p.late > 0 {
			s.InTime = max(0, 1-p.late/(c.startup+c.pauseUp+max(c.startup, c.pauseDown)))
		}
		if p.lasts < courseSpan {
			s.ReplicaHours += c.price / max(p.lasts, c.startup+c.pauseUp)
		}
		list = append(list, s)
	}
	return list
}

func (c *chooser) why(p *prospect, chosen int) string {
	lasts := rounded(p.lasts)
	switch {
	case p.size == chosen:
		return "chosen"
	case p.size > chosen:
		return "more than is needed"
	case p.lasts <= 0:
		return "records would be late"
	case !c.safe(p):
		return fmt.Sprintf("lasts %s, and the next change takes %s", lasts, rounded(c.startup+c.pauseUp))
	default:
		return fmt.Sprintf("lasts %s; it pays from %s on", lasts, rounded(c.pays(p.size, chosen, 2)))
	}
}

func asDuration(seconds float64) time.Duration {
	return time.Duration(min(seconds, 365*24*3600) * float64(time.Second))
}

func rounded(seconds float64) string { return asDuration(seconds).Round(time.Second).String() }
