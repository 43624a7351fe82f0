package latency

import (
	"fmt"
	"time"
)

// effect notices that more replicas do not consume more, because something behind them is the limit. It
// compares what groups of different sizes consumed when all members had enough to do.
type effect struct {
	tries [6]try
	// most is the size to stay at, 0 where there is none, until a moment; then one size more is tried. pause is
	// how long that was the last time.
	most  int
	until time.Time
	pause time.Duration
	best  float64 // the most that was consumed at any size, in records a second
}

// try is what a size consumed.
type try struct {
	replicas, n int
	speed       float64 // records a second, of all members
	at          time.Time
}

const (
	// leastEffect is the share of the expected growth below which a step up has not helped.
	leastEffect = 0.3
	// leastGrowth is by how much two sizes must differ to be compared: a small step is lost in the noise.
	leastGrowth = 1.3
	// nearBest is the share of the best that a smaller size must reach.
	nearBest    = 0.95
	firstPause  = 15 * time.Minute
	lastPause   = 4 * time.Hour
	tryLasts    = 2 * time.Hour
	enoughTries = 2 // of the size now; a smaller one that was left quickly may have only one
)

// note takes what a size consumed with all members busy.
func (e *effect) note(replicas int, speed float64, at time.Time) *try {
	slot := &e.tries[0]
	for i := range e.tries {
		if e.tries[i].replicas == replicas {
			slot = &e.tries[i]
			break
		}
		if e.tries[i].at.Before(slot.at) {
			slot = &e.tries[i]
		}
	}
	if slot.replicas != replicas || at.Sub(slot.at) > tryLasts {
		*slot = try{replicas: replicas}
	}
	slot.n = min(slot.n+1, 8)
	slot.speed += (speed - slot.speed) / float64(slot.n)
	slot.at = at
	return slot
}

// learn compares what was measured now with smaller sizes. It returns what a replica did at the smaller size
// where the step up has not helped, and otherwise 0.
func (e *effect) learn(replicas int, speed float64, at time.Time, sizes ladder) float64 {
	now := e.note(replicas, speed, at)
	if now.n < enoughTries {
		return 0
	}
	smaller := e.smaller(replicas, at)
	if smaller == nil {
		return 0
	}
	if replicas <= e.most && e.most > 0 && now.speed < nearBest*e.best && at.Before(e.until) {
		e.most = sizes.up(e.most + 1) // too small: less is consumed than was possible
		return 0
	}
	growth := float64(now.replicas) / float64(smaller.replicas)
	if helped := (now.speed/smaller.speed - 1) / (growth - 1); helped >= leastEffect {
		if e.most > 0 && replicas > e.most {
			*e = effect{tries: e.tries}
		}
		return 0
	}
	e.best = max(now.speed, smaller.speed)
	each := smaller.speed / float64(smaller.replicas)
	enough := int(nearBest*e.best/each + 0.999)
	e.most = min(sizes.up(max(enough, smaller.replicas)), replicas)
	e.pause = min(max(firstPause, 2*e.pause), lastPause)
	e.until = at.Add(e.pause)
	return each
}

// smaller returns the largest smaller size that can be compared.
func (e *effect) smaller(replicas int, at time.Time) (found *try) {
	for i := range e.tries {
		t := &e.tries[i]
		if t.n < 1 || at.Sub(t.at) > tryLasts || float64(replicas) < leastGrowth*float64(t.replicas) {
			continue
		}
		if found == nil || t.replicas > found.replicas {
			found = t
		}
	}
	return found
}

// limit returns the most replicas that help, and one size more where it is time to try; 0 where it is not known.
func (e *effect) limit(at time.Time, sizes ladder) int {
	if e.most == 0 {
		return 0
	}
	if !at.Before(e.until) {
		return sizes.up(int(float64(e.most)*leastGrowth) + 1)
	}
	return e.most
}

func (e *effect) reason(at time.Time) string {
	return fmt.Sprintf("more than %s have not consumed more: at most %.3g records a second came through at any size; the next try is in %s",
		count(e.most, "replica"), e.best, rounded(max(0, e.until.Sub(at).Seconds())))
}
