package clairvoyant

import "math"

// state is the cheapest known way to a size and a backlog.
type state struct {
	cost    float64 // replica-seconds and priced changes; infinite where there is no way
	changes int32
}

func (s state) plus(cost float64) state { return state{s.cost + cost, s.changes} }

func (s state) changed(price float64) state { return state{s.cost + price, s.changes + 1} }

func cheaper(a, b state) state {
	if b.cost < a.cost {
		return b
	}
	return a
}

// ways are the states of one size, by backlog in levels.
type ways []state

func noWays() ways {
	w := make(ways, levels)
	w.clear()
	return w
}

func (w ways) clear() {
	for b := range w {
		w[b] = state{cost: math.Inf(1)}
	}
}

// solver works in levels of backlog. What rounding takes from one step it gives to the next.
type solver struct {
	*Problem
	level    float64 // records in a level
	arrivals rounded
	limits   []int // the most backlog at the end of each step
	// now are the ways to each size at the start of a step, moved those that have just changed to it.
	now, moved, next []ways
}

func newSolver(p *Problem) *solver {
	recent := p.recent()
	most := 1.0
	for _, r := range recent {
		most = max(most, r)
	}
	s := &solver{Problem: p, level: most / (levels - 1)}
	for _, r := range recent {
		s.limits = append(s.limits, min(levels-1, int(math.Ceil(r/s.level))))
	}
	for range p.Sizes {
		s.now, s.moved, s.next = append(s.now, noWays()), append(s.moved, noWays()), append(s.next, noWays())
	}
	for i := range p.Sizes {
		s.now[i][0].cost = 0 // a plan may begin with any size, and nothing waits
	}
	return s
}

// recent returns, for the end of each step, what arrived within the objective before it.
func (p *Problem) recent() []float64 {
	out := make([]float64, len(p.Arrivals))
	steps := p.Objective.Seconds() / p.Step.Seconds()
	whole := int(steps)
	sum := 0.0
	for i, a := range p.Arrivals {
		sum += a
		if i >= whole {
			sum -= p.Arrivals[i-whole]
			out[i] = p.Arrivals[i-whole] * (steps - float64(whole))
		}
		out[i] += max(0, sum)
	}
	return out
}

// rounded adds up numbers of levels, and says how many whole ones each next number brings.
type rounded struct{ sum float64 }

func (r *rounded) add(n float64) int {
	before := math.Floor(r.sum)
	r.sum += n
	return int(math.Floor(r.sum) - before)
}

// advance goes through step i, and returns what comes too late in it whatever is done.
func (s *solver) advance(i int) (excused float64) {
	s.change()
	arrived := s.arrivals.add(s.Arrivals[i] / s.level)
	possible := false
	for r := range s.Sizes {
		s.next[r].clear()
		stay, moved := s.takes(i, r)
		pay := float64(s.Sizes[r].Replicas) * s.Step.Seconds()
		possible = s.now[r].shift(s.next[r], arrived-stay, pay, s.limits[i]) || possible
		possible = s.moved[r].shift(s.next[r], arrived-moved, pay, s.limits[i]) || possible
	}
	if !possible {
		excused = s.excuse(i, arrived)
	}
	s.now, s.next = s.next, s.now
	return excused
}

// takes returns how much the size takes from the backlog in step i, where it stays and where it was just
// changed to.
func (s *solver) takes(i, r int) (stay, moved int) {
	perSecond := s.ServiceRate / s.Sizes[r].Share / s.level
	step := s.Step.Seconds()
	before, after := math.Ceil(perSecond*step*float64(i)), math.Ceil(perSecond*step*float64(i+1))
	stay = int(after - before)
	return stay, min(stay, int(math.Ceil(perSecond*(step-s.Pause.Seconds()))))
}

// change finds the cheapest ways to each size by a change: from the smaller sizes, with the start-up of what
// is added, and from the larger ones.
func (s *solver) change() {
	for b := range levels {
		up, down := state{cost: math.Inf(1)}, state{cost: math.Inf(1)}
		s.moved[0][b] = up
		for r := 1; r < len(s.Sizes); r++ {
			added := float64(s.Sizes[r].Replicas - s.Sizes[r-1].Replicas)
			up = cheaper(up, s.now[r-1][b].changed(s.ChangePrice)).plus(added * s.Startup.Seconds())
			s.moved[r][b] = up
		}
		for r := len(s.Sizes) - 2; r >= 0; r-- {
			down = cheaper(down, s.now[r+1][b].changed(s.ChangePrice))
			s.moved[r][b] = cheaper(s.moved[r][b], down)
		}
	}
}

// shift goes on from each of the ways to the backlog that is by levels larger, where the limit allows it.
func (w ways) shift(into ways, by int, pay float64, limit int) (possible bool) {
	for b := range w {
		if math.IsInf(w[b].cost, 1) {
			continue
		}
		to := max(0, b+by)
		if to > limit {
			break
		}
		into[to] = cheaper(into[to], w[b].plus(pay))
		possible = true
	}
	return possible
}

// excuse goes on from the largest size with the least backlog, and lets go what is above the limit.
func (s *solver) excuse(i, arrived int) float64 {
	last := len(s.Sizes) - 1
	best, excused := state{cost: math.Inf(1)}, math.Inf(1)
	stay, moved := s.takes(i, last)
	try := func(w ways, takes int) {
		for b := range w {
			if math.IsInf(w[b].cost, 1) {
				continue
			}
			over := float64(max(0, b+arrived-takes-s.limits[i])) * s.level
			if over < excused || over == excused && w[b].cost < best.cost {
				best, excused = w[b], over
			}
		}
	}
	try(s.now[last], stay)
	try(s.moved[last], moved)
	s.next[last][s.limits[i]] = best.plus(float64(s.Sizes[last].Replicas) * s.Step.Seconds())
	return excused
}

func (s *solver) cheapest() Plan {
	best := state{cost: math.Inf(1)}
	for _, w := range s.now {
		for _, st := range w {
			best = cheaper(best, st)
		}
	}
	return Plan{
		ReplicaSeconds: best.cost - s.ChangePrice*float64(best.changes),
		Changes:        int64(best.changes),
	}
}
