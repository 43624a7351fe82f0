package latency

import (
	"slices"
	"time"
)

// load is what a partition or a member gets, in records a second, has, in records, and consumes.
type load struct{ rate, backlog, speed float64 }

func (l *load) add(other load) {
	l.rate += other.rate
	l.backlog += other.backlog
	l.speed += other.speed
}

// countedShare is the share of arrivals that sizes are chosen for.
func (s *scene) countedShare() float64 {
	var sum float64
	for _, u := range s.units {
		sum += u.rate
	}
	if s.total.rate <= 0 {
		return 1
	}
	return sum / s.total.rate
}

// scene is what there is at a decision.
type scene struct {
	at      time.Time
	total   load
	units   []load // what can be dealt out to members: partitions, or what has the same id
	members []load
	// counted are the members without what is left out.
	counted []load
	blocked []bool // members with a hot partition
	// oldestOf is the age of the oldest record of each member, in seconds of what arrives now.
	oldestOf []float64
	// speeds are what members consumed that had enough to do all the while, in records a second, where a
	// window of measuring has ended; allBusy says that all members had.
	speeds   []float64
	allBusy  bool
	measured bool
	// oldest is the age of the oldest record that is not consumed, in seconds; late the share of arrivals
	// that goes to partitions with records older than the target, and avoidable that of those which count.
	oldest, late, avoidable float64
	hot, stuck              int // partitions that are left out
	block                   float64
	// event says that partitions may just have moved.
	event bool
}

const (
	// windowSteps is how many decisions a window of measuring lasts.
	windowSteps = 2
	// stuckAfter is how long there must be records and no commit, in seconds.
	stuckAfter = 60
	// hotShare is the share of what a member can do from which a partition is hot.
	hotShare = 0.98
	// hotExcess is how much more than the usual partition it must get: where all get too much there are too few.
	hotExcess = 1.5
)

// look brings all estimates up to date, and returns what there is. service is what a member can do, 0 where
// that is not known.
func (f *flow) look(o *Observation, c *Config, past *lastHour, service float64) *scene {
	places := f.places()
	n := max(f.members, len(places))
	s := &scene{
		at: o.At, units: make([]load, 0, len(f.parts)), members: make([]load, n),
		counted: make([]load, n), blocked: make([]bool, n), oldestOf: make([]float64, n),
	}
	var after float32
	if !f.looked.IsZero() {
		after = float32(o.At.Sub(f.looked).Seconds())
	}
	known := float32(o.At.Sub(f.shares).Seconds())
	f.looked = o.At
	stable := f.state == Stable
	sum, oldest := 0.0, 0.0
	for i := range f.parts {
		p := &f.parts[i]
		p.estimate(f.now, after, known, f.interval.seconds(), stable)
		sum += float64(p.rate)
	}
	target := c.TargetLatency.Seconds()
	within := past.within(target)
	mean := sum / float64(len(f.parts))
	for i := range f.parts {
		p := &f.parts[i]
		l := load{float64(p.rate), float64(p.backlog), p.consumed()}
		oldest = max(oldest, l.backlog/max(l.rate, mean/10, 1e-3))
		s.total.add(l)
		hot, stuck := s.hot, s.stuck
		place, owned := places[p.owner]
		counted := f.leaveOut(s, p, l, mean, service, stable)
		if owned && s.hot > hot {
			s.blocked[place] = true // what else its member has waits behind a hot partition, whatever the size
		}
		if l.backlog*sum > within*max(l.rate, mean/10) && l.backlog >= 1 {
			s.late += l.rate
			if s.hot == hot && s.stuck == stuck {
				s.avoidable += l.rate
			}
		}
		s.unit(counted, int(o.Partitions[i].ID), c.CoPartitioned)
		if owned {
			s.members[place].add(l)
			s.counted[place].add(counted)
			if s.hot == hot && s.stuck == stuck {
				s.oldestOf[place] = max(s.oldestOf[place], l.backlog/max(l.rate, mean/10, 1e-3))
			}
		}
	}
	if sum > 0 {
		s.late /= sum
		s.avoidable /= sum
	}
	s.oldest = past.back(oldest * sum)
	s.event = f.event.reassigned || !stable
	f.measure(s)
	s.block = s.blockiness()
	return s
}

// places numbers the members that have partitions, in the order of these.
func (f *flow) places() map[int32]int {
	places := make(map[int32]int, max(0, f.members))
	for i := range f.parts {
		if owner := f.parts[i].owner; owner != NoOwner {
			if _, seen := places[owner]; !seen {
				places[owner] = len(places)
			}
		}
	}
	return places
}

// leaveOut returns what counts of a partition: all of it, or, where no number of replicas would help, what a
// usual one gets.
func (f *flow) leaveOut(s *scene, p *partition, l load, mean, service float64, stable bool) load {
	switch {
	case stable && l.backlog >= 1 && f.now.since(p.movedAt) > max(stuckAfter, 6*f.interval.seconds()):
		s.stuck++
	case service > 0 && l.rate > hotShare*service && l.rate > hotExcess*mean:
		s.hot++
	default:
		return l
	}
	return load{rate: min(l.rate, mean, service)}
}

func (s *scene) unit(l load, id int, together bool) {
	if !together || id < 0 || id >= cap(s.units) {
		s.units = append(s.units, l)
		return
	}
	for len(s.units) <= id {
		s.units = append(s.units, load{})
	}
	s.units[id].add(l)
}

// measure ends a window of measuring where it is time, and counts who was busy.
func (f *flow) measure(s *scene) {
	if f.event.reassigned || f.state != Stable || len(f.busy) != len(s.members) {
		f.busy = append(f.busy[:0], make([]uint8, len(s.members))...)
		f.window = 0
		for i := range f.parts {
			f.parts[i].pause()
		}
		return
	}
	f.window++
	s.measured = f.window >= windowSteps
	busy := 0
	for i, m := range s.members {
		// Commits are seen late; what may come from that alone is not work.
		if m.rate > 0 && m.backlog > m.rate*float64(3+f.every) && m.backlog >= 1 {
			f.busy[i] = min(f.busy[i]+1, 250)
		} else {
			f.busy[i] = 0
		}
		if f.busy[i] > windowSteps {
			busy++
			if s.measured && m.speed > 0 {
				s.speeds = append(s.speeds, m.speed)
			}
		}
	}
	s.allBusy = busy > 0 && busy*5 >= len(s.members)*4
	if s.measured {
		f.window = 0
		for i := range f.parts {
			f.parts[i].begin()
		}
	}
}

// busiest deals the units out to so many members, and returns the most that one gets, in records a second.
func (s *scene) busiest(members int, to func(unit int) int) (most float64) {
	sums := make([]float64, members)
	for i, u := range s.units {
		sums[to(i)] += u.rate
	}
	return slices.Max(sums)
}

// inTurn and inBlocks are how assignors deal out: one by one, or neighbours to the same member.
func (*scene) inTurn(members int) func(int) int { return func(unit int) int { return unit % members } }

func (s *scene) inBlocks(members int) func(int) int {
	return func(unit int) int { return unit * members / len(s.units) }
}

// blockiness says how the group's assignor deals out at present: 0 one by one, 1 in blocks.
func (s *scene) blockiness() float64 {
	n := len(s.counted)
	if n < 1 || n >= len(s.units) {
		return 0.5
	}
	turn, block := s.busiest(n, s.inTurn(n)), s.busiest(n, s.inBlocks(n))
	var now float64
	for _, m := range s.counted {
		now = max(now, m.rate)
	}
	if d := block - turn; d > 0.01*turn || d < -0.01*turn {
		return min(max((now-turn)/d, 0), 1)
	}
	return 0.5
}

// share is the part of all arrivals that the busiest of so many members gets, if the assignor goes on as it
// does.
func (s *scene) share(members int) float64 {
	members = min(max(members, 1), len(s.units))
	turn, block := s.busiest(members, s.inTurn(members)), s.busiest(members, s.inBlocks(members))
	if rate := turn + (block-turn)*s.block; s.total.rate > 0 && rate > 0 {
		return rate / s.total.rate
	}
	return 1 / float64(members)
}

// age is that of the oldest record of the member that is furthest behind, in seconds.
func (s *scene) age(past *lastHour) float64 {
	var furthest float64
	least := s.total.rate / float64(max(1, 10*len(s.units)))
	for i, m := range s.counted {
		if !s.blocked[i] {
			furthest = max(furthest, m.backlog/max(m.rate, least, 1e-3))
		}
	}
	if len(s.counted) == 0 {
		furthest = s.total.backlog / max(s.total.rate, 1e-3)
	}
	return past.back(furthest * s.total.rate)
}
