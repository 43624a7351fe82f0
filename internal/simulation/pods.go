package simulation

import (
	"slices"
	"time"
)

// pod is one replica, from its creation on.
type pod struct {
	ready  float64
	speed  float64
	member *member // nil until it has joined
}

// pods are a workload's replicas, oldest first.
type pods struct {
	scenario *Scenario
	group    *group
	random   stream
	list     []*pod
	made     int
}

func newPods(s *Scenario, g *group) *pods {
	p := &pods{scenario: s, group: g, random: streamOf(s.Seed, 'p')}
	for range s.StartReplicas {
		p.create(0, 0)
	}
	return p
}

func (p *pods) create(now, delay float64) {
	s := p.scenario
	p.made++
	p.list = append(p.list, &pod{
		ready: now + delay,
		speed: s.ServiceRate * p.random.between(1-s.PodSpread, 1+s.PodSpread),
	})
}

// startup draws how long a pod takes to join.
func (p *pods) startup() float64 {
	s := p.scenario
	delay := p.random.between(s.StartupMin.Seconds(), s.StartupMax.Seconds())
	if node := p.random.uniform(); node < s.NodeShare {
		delay += p.random.between(s.NodeMin.Seconds(), s.NodeMax.Seconds())
	}
	return delay
}

// scale creates or deletes pods. Those that are not ready yet are deleted first, and then the youngest, as a
// ReplicaSet does.
func (p *pods) scale(now float64, to int64) {
	for int64(len(p.list)) < to {
		p.create(now, p.startup())
	}
	for int64(len(p.list)) > to {
		p.delete(now)
	}
}

func (p *pods) delete(now float64) {
	victim := len(p.list) - 1
	for i, pod := range slices.Backward(p.list) {
		if pod.member == nil {
			victim = i
			break
		}
	}
	m := p.list[victim].member
	p.list = append(p.list[:victim], p.list[victim+1:]...)
	if m == nil {
		return
	}
	if p.random.uniform() < p.scenario.UngracefulShare {
		p.kill(m, now)
		return
	}
	p.group.leave(m)
}

func (p *pods) kill(m *member, now float64) {
	m.dead, m.noticed = true, now+p.scenario.SessionTimeout.Seconds()
}

// tick lets pods that are ready join, and some crash.
func (p *pods) tick(now float64) {
	s := p.scenario
	crash := s.CrashesPerDay / (24 * time.Hour).Seconds()
	for _, pod := range p.list {
		switch {
		case pod.member == nil && pod.ready <= now:
			pod.member = &member{
				id: p.made, speed: pod.speed, free: now,
				random:   streamOf(s.Seed, 'm', p.made),
				commitAt: now + p.random.between(0, s.CommitInterval.Seconds()),
			}
			p.made++
			p.group.join(pod.member)
		case pod.member != nil && crash > 0 && p.random.uniform() < crash:
			// The container starts again in the same pod, and joins as a new member.
			p.kill(pod.member, now)
			pod.member, pod.ready = nil, now+p.random.between(s.StartupMin.Seconds(), s.StartupMax.Seconds())
		}
	}
}
