package simulation

import (
	"math"
	"slices"
)

// group is a consumer group and its coordinator.
type group struct {
	protocol   Protocol
	pause      float64
	partitions []*partition
	// members are those that the coordinator counts on, in the order in which they joined; dead ones are
	// among them until their session ends.
	members []*member
	// until is when the rebalance under way ends; in the past where there is none.
	until float64
	// changed says that somebody joined or left and no rebalance has taken it in yet.
	changed bool
	// running is set while a rebalance is under way.
	running bool
	// rebalances counts assignments.
	rebalances int64
}

func newGroup(s *Scenario, w *Workload) *group {
	g := &group{protocol: s.Protocol, pause: s.Pause.Seconds(), until: math.Inf(-1)}
	for p := range w.Partitions() {
		g.partitions = append(g.partitions, &partition{log: newLog(w, p)})
	}
	return g
}

func (g *group) join(m *member) {
	g.members = append(g.members, m)
	g.changed = true
}

// leave takes a member out that says so: it commits first.
func (g *group) leave(m *member) {
	m.commit()
	g.remove(m)
}

func (g *group) remove(m *member) {
	g.members = slices.DeleteFunc(g.members, func(o *member) bool { return o == m })
	for _, p := range m.partitions {
		p.owner = nil
		// What the member did not commit is read again.
		p.log.seek(p.committed)
	}
	m.partitions = nil
	g.changed = true
}

// tick notices dead members, and begins and ends rebalances.
func (g *group) tick(now float64) {
	for _, m := range slices.Clone(g.members) {
		if m.dead && m.noticed <= now {
			g.remove(m)
		}
	}
	if g.protocol == Eager {
		g.tickEager(now)
	} else {
		g.tickIncremental(now)
	}
}

// tickEager stops everything until the last who joined or left is taken in. A member that died and is still
// counted on holds everybody up until its session ends.
func (g *group) tickEager(now float64) {
	if g.changed {
		g.changed = false
		if !g.running {
			g.commit()
		}
		g.running = true
		g.until = max(g.until, now+g.pause)
		for _, p := range g.partitions {
			p.resumes = math.Inf(1)
		}
	}
	if !g.running || now < g.until {
		return
	}
	for _, m := range g.members {
		if m.dead {
			return
		}
	}
	g.running = false
	g.reassign(now)
	for _, p := range g.partitions {
		p.resumes = now
	}
}

// tickIncremental moves partitions between members. Each that moves pauses; the rest go on. With the
// cooperative protocol who joins or leaves during a rebalance waits for the next.
func (g *group) tickIncremental(now float64) {
	g.running = now < g.until
	if !g.changed || g.protocol == Cooperative && g.running {
		return
	}
	g.changed = false
	for _, p := range g.reassign(now) {
		p.resumes = now + g.pause
	}
	g.until = now + g.pause
	g.running = g.pause > 0
}

// reassign makes a new assignment and returns the partitions that move.
func (g *group) reassign(now float64) []*partition {
	g.rebalances++
	g.commit()
	moved := assign(g.partitions, g.members)
	for _, m := range g.members {
		m.partitions = m.partitions[:0]
		m.free = max(m.free, now)
	}
	for _, p := range g.partitions {
		if p.owner != nil {
			p.owner.partitions = append(p.owner.partitions, p)
		}
	}
	return moved
}

func (g *group) commit() {
	for _, m := range g.members {
		if !m.dead {
			m.commit()
		}
	}
}
