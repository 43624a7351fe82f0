package latency

import (
	"slices"
	"time"
)

// change follows a change of size from the decision until all members consume.
type change struct {
	from, to int // replicas
	ordered  time.Time
	under    bool // it is under way
}

// up reports whether more replicas are on their way.
func (c *change) up() bool { return c.under && c.to > c.from }

// delays learns how long changes take.
type delays struct {
	startup, pauseUp, pauseDown samples
}

// samples are the newest measurements of a time, in seconds.
type samples struct {
	values [8]float32
	n      int
}

func (s *samples) add(seconds float64) {
	s.values[s.n%len(s.values)] = float32(max(0, seconds))
	s.n++
}

// enoughSamples replace what was assumed.
const enoughSamples = 3

// estimate returns the time that nine of ten changes keep, with what is assumed as one of them as long as there
// are few.
func (s *samples) estimate(assumed time.Duration) Delay {
	n := min(s.n, len(s.values))
	if n == 0 {
		return Delay{assumed, Assumed, 0}
	}
	values := make([]float64, 0, len(s.values)+1)
	for _, v := range s.values[:n] {
		values = append(values, float64(v))
	}
	if n < enoughSamples {
		values = append(values, assumed.Seconds())
	}
	slices.Sort(values)
	return Delay{time.Duration(quantile(values, 0.9) * float64(time.Second)), Learned, n}
}

// What is assumed until changes have been seen.
const (
	usualStartup        = 45 * time.Second
	usualPauseUpEager   = 20 * time.Second
	usualPauseDownEager = 7 * time.Second
	usualPauseIncrement = 3 * time.Second
	// longestChange is when a change that has not ended is waited for no longer.
	longestChange = 10 * time.Minute
)

func (d *delays) startupDelay(c *Config) Delay {
	if c.StartupDelay > 0 {
		return Delay{c.StartupDelay, Configured, min(d.startup.n, len(d.startup.values))}
	}
	return d.startup.estimate(usualStartup)
}

// pause is how long a change stops the consumers. Pauses that are shorter than unseen, in seconds, cannot be
// told from the time between two commits.
func (d *delays) pause(c *Config, up bool, unseen float64) Delay {
	assumed, seen := usualPauseDownEager, &d.pauseDown
	if up {
		assumed, seen = usualPauseUpEager, &d.pauseUp
	}
	if c.Rebalance == Incremental {
		assumed = usualPauseIncrement
	}
	pause := seen.estimate(assumed)
	pause.Duration = max(pause.Duration, min(assumed, asDuration(unseen)))
	return pause
}

// unseen is the length of pauses that commits do not show, in seconds.
func (f *flow) unseen() float64 { return float64(f.interval.seconds()/2 + f.every) }

// begin says that another size is wanted.
func (f *flow) begin(c *change, at time.Time, from, to int) {
	*c = change{from: from, to: to, ordered: at, under: true}
	f.stall = stall{counts: true}
}

// end looks whether a change has come to its end, and learns from it. threads is members a replica.
func (f *flow) end(c *change, d *delays, threads int) {
	if !c.under {
		return
	}
	have := ceilDiv(max(0, f.members), threads)
	after := f.at.Sub(c.ordered)
	if after > longestChange {
		c.under, f.stall.counts = false, false
		return
	}
	if have != c.to || f.state != Stable || !f.flows() {
		return
	}
	c.under = false
	pause := float64(f.stall.seconds) / float64(max(1, len(f.parts)))
	f.stall = stall{}
	if !f.changedAfter(c.ordered) {
		return // the members were there already
	}
	if c.to < c.from {
		d.pauseDown.add(pause)
		return
	}
	d.pauseUp.add(pause)
	d.startup.add(after.Seconds() - pause - float64(f.interval.seconds()/2))
}

func (f *flow) changedAfter(at time.Time) bool {
	return f.changed.after(momentOf(at.Sub(f.began)))
}

// flows reports whether commits have moved since the group last changed, on nine of ten partitions that have
// something to consume.
func (f *flow) flows() bool {
	var work, moved int
	for i := range f.parts {
		p := &f.parts[i]
		if p.rate <= 0 && p.logEnd <= p.committed {
			continue
		}
		work++
		if p.movedAt.after(f.changed) {
			moved++
		}
	}
	return moved*10 >= work*9
}
