package latency

import "math"

// How far and how finely the future is computed, in seconds: in steps of 5 s for 5 minutes, where the next
// change matters, of 15 s up to 20 minutes, and of 40 s up to an hour.
const (
	courseSteps = 60 + 60 + 60
	courseSpan  = 3600.0
)

// courseAt are the moments of the steps, ascending, with the end after them.
func courseAt(i int) float64 {
	switch {
	case i <= 60:
		return float64(i) * 5
	case i <= 120:
		return 300 + float64(i-60)*15
	default:
		return 1200 + float64(i-120)*40
	}
}

// future is one path of arrivals, and the past that it goes on from.
type future struct {
	past  *lastHour
	rates [courseSteps + 1]float64
}

func newFuture(past *lastHour, forecast *[len(aheads)]float64) *future {
	f := &future{past: past}
	for i := range f.rates {
		f.rates[i] = path(forecast, courseAt(i))
	}
	return f
}

// rate is what arrives at a moment from now, which may be past, in records a second.
func (f *future) rate(at float64) float64 {
	switch {
	case at <= -fineSteps*fineStep:
		return f.rates[0] // nobody remembers
	case at < 0:
		if rate := f.past.rates[max(0, fineSteps-1+int(math.Ceil(at/fineStep)))]; !math.IsNaN(rate) {
			return rate
		}
		return f.rates[0]
	case at < 300:
		return f.rates[int(at/5)]
	case at < 1200:
		return f.rates[60+int((at-300)/15)]
	default:
		return f.rates[min(120+int((at-1200)/40), courseSteps)]
	}
}

// plan is a size and the way to it: the share of arrivals that the busiest member gets before and after the
// change, how many seconds ahead the change begins, and for how long nobody consumes then.
type plan struct {
	age           float64 // of the oldest record now, in seconds
	soon          float64 // when the next change could have taken place, in seconds from now
	before, after float64
	until, pause  float64
}

// course is how the oldest record of the busiest member fares.
type course struct {
	// worst is the highest age, and late for how long the age is beyond the target, until the next change could
	// have taken place; end is the last age. All in seconds.
	worst, late, end float64
	// recovered is when the age is below the limit for good, or for the first time after the change; +Inf
	// where it is not. 0 means that it never was above.
	recovered float64
	// lasts is how long from the change on the age then stays below the alarm, in seconds.
	lasts float64
}

// run computes the course of a plan: service is what a member can do, target the age at which a record is late,
// limit the one that is planned with, and alarm the age at which the next change must begin its pause. Ages are
// exact for fluid arrivals: while a member has enough to do, the age of its oldest record grows by
// 1 - service / (what arrived when the record did) a second.
func (f *future) run(p *plan, service, target, limit, alarm float64) course {
	var c course
	age, share := p.age, p.before
	over, ended := false, false
	start := p.until + p.pause
	for i := range courseSteps {
		at := courseAt(i)
		step := courseAt(i+1) - at
		if at >= p.until {
			share = p.after
		}
		age = f.step(age, share, at, step, service, at >= p.until && at < start)
		if age > limit {
			over = true
			c.recovered = math.Inf(1)
		} else if over && at >= start {
			over = false
			c.recovered = at
		}
		if at <= p.soon {
			c.worst = max(c.worst, age)
			if age > target {
				c.late += step
			}
		}
		if at >= start && !ended {
			ended = c.endure(age <= alarm, at-start, step)
		}
	}
	c.end = age
	if !ended && c.lasts > 0 {
		c.lasts = courseSpan
	}
	return c
}

// endure counts how long the age stays below the alarm, once it has fallen there, and reports when it no longer
// does. at is the time since the change.
func (c *course) endure(below bool, at, step float64) (ended bool) {
	if below {
		c.lasts = at + step
		return false
	}
	return c.lasts > 0 || at > settling
}

// settling is how long after a change the age may take to fall below the alarm, in seconds.
const settling = 120

func (f *future) step(age, share, at, step, service float64, paused bool) float64 {
	if paused {
		return age + step
	}
	arrived := share * f.rate(at-age)
	if arrived*courseSpan <= service {
		return 0
	}
	return max(0, age+step*(1-service/arrived))
}
