package longpoll

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// ending is how a wait has ended.
type ending struct {
	wakes []lag.LogWake
	err   error
	// at is a stamp that was given after that.
	at store.Stamp
	// interval is the time between two refreshes, and soon how long to wait for what else comes before plans are reconciled.
	interval, soon time.Duration
}

// has reports whether the wait is one of the plan's: one of before a panic is not.
func (p *plan) has(w *wait) bool {
	l := p.waits[w.waitKey]
	if l == nil {
		return false
	}
	_, ours := l.waits[w]
	return ours
}

// in returns a partition, if it is still in the wait, and what is planned for its topic.
func (p *plan) in(w *wait, tp lag.TopicPartition) (*part, *topicPlan) {
	t := p.topics[logKey{tp.Topic, w.isolation}]
	if t == nil || tp.Partition < 0 || int(tp.Partition) >= len(t.parts) {
		return nil, nil
	}
	if part := t.parts[tp.Partition]; part != nil && part.wait == w {
		return part, t
	}
	return nil, nil
}

// ended takes in how a wait has ended, and waits on.
func (p *plan) ended(now time.Time, w *wait, e ending) orders {
	delete(p.waitsAt(w.waitKey).waits, w)
	if p.coalescesOn(now, w, &e) {
		return p.take()
	}
	p.reconcileAt(now.Add(e.soon))
	if e.err != nil {
		p.broken(now, w)
		return p.take()
	}
	for i := range e.wakes {
		if part, _ := p.in(w, e.wakes[i].TopicPartition); part != nil {
			p.settle(now, w, part, &e.wakes[i], &e)
		}
	}
	p.goOn(now, w, &e)
	return p.take()
}

// coalescesOn begins a coalescing wait again as it was, if nothing has happened in it and nobody
// was kept back for it, while somebody may still come. To reconcile everything each time would
// be most of the work.
func (p *plan) coalescesOn(now time.Time, w *wait, e *ending) bool {
	l := p.waitsAt(w.waitKey)
	nothing := e.err == nil && len(e.wakes) == 0 && now.Sub(w.began) >= w.most/2 && len(p.denied) == 0
	if !nothing || !w.coalesces || l.keepsBack || !l.coming(now) || l.renewAt.Sub(now) < RenewFor {
		return false
	}
	for _, part := range w.parts {
		if part.wait != w || part.fails > 0 {
			return false
		}
	}
	p.begin(&wait{waitKey: w.waitKey, parts: w.parts, from: w.from, coalesces: true}, now)
	return true
}

// broken handles a wait that failed as a whole: the broker is gone, or does not answer.
func (p *plan) broken(now time.Time, w *wait) {
	p.now = now
	for _, part := range w.parts {
		if part.wait == w {
			p.park(part, w.leader)
			p.disturb(part, w.isolation)
			p.orders.failed++
		}
	}
}

func (p *plan) disturb(part *part, isolation lag.Position) {
	p.orders.disturbed = append(p.orders.disturbed, logKey{part.tp.Topic, isolation})
}

// settle takes a partition with news out of its wait.
func (p *plan) settle(now time.Time, w *wait, part *part, wake *lag.LogWake, e *ending) {
	p.now = now
	part.leave(parked)
	p.disturb(part, w.isolation)
	switch wake.Reason {
	case lag.WakeGrown:
		part.fails = 0
		slowDown(part, now, e.interval)
	case lag.WakeShrunk:
		part.ready = now
		p.leaveToRefresh(part, e.at)
	case lag.WakeUnclear:
		slowDown(part, now, e.interval)
		p.leaveToRefresh(part, e.at)
	case lag.WakeDenied:
		part.state = denied
		p.deny(part.tp.Topic, wake.Err)
	case lag.WakeMoved:
		p.park(part, w.leader)
		p.orders.refresh = true
	default:
		part.ready = now.Add(ParkMost)
		p.reconcileAt(part.ready)
	}
}

// leaveToRefresh keeps a partition out until its log end has been asked for later than at.
func (p *plan) leaveToRefresh(part *part, at store.Stamp) {
	part.state, part.after = leftToRefresh, at
	p.read(part)
}

// read has the refresh read a log's end, and do so again until it can be read.
func (p *plan) read(part *part) {
	if !p.now.Before(part.reread) {
		part.reread = p.now.Add(ParkMost)
		p.orders.refresh = true
	}
	p.reconcileAt(part.reread)
}

// slowDown handles records that do not make their streams active: their partition is waited on
// later and later, down to the rate of the refresh. Many such records in a row must not become
// as many requests.
func slowDown(part *part, now time.Time, interval time.Duration) {
	const atOnce = 8
	if now.Sub(part.woke) > 2*interval {
		part.wakes = 0
	}
	part.woke, part.ready = now, now
	if part.wakes++; part.wakes > atOnce {
		part.wakes = min(part.wakes, 100)
		part.ready = now.Add(min(CoalesceFor<<min(part.wakes-atOnce, 16), interval))
	}
}

// deny leaves a topic to the refresh.
func (p *plan) deny(topic string, err error) {
	if _, known := p.denied[topic]; !known {
		if p.orders.denied == nil {
			p.orders.denied = map[string]error{}
		}
		p.orders.denied[topic] = err
	}
	p.denied[topic] = p.now.Add(DeniedFor)
}

// parking is how long a partition stays out after so many failures in a row.
func parking(fails uint8) time.Duration { return min(parkFirst<<min(fails, 10), ParkMost) }

// park keeps a partition out for a while that grows, and has its leader looked up.
func (p *plan) park(part *part, on int32) {
	part.leave(parked)
	part.failed = on
	part.ready = p.now.Add(parking(part.fails))
	part.fails = min(part.fails+1, 100)
	p.lost[part.tp.Topic] = struct{}{}
	p.reconcileAt(part.ready)
}

// goOn waits on for what is left in a wait, or gives it back to be composed once more.
func (p *plan) goOn(now time.Time, w *wait, e *ending) {
	rest := &wait{waitKey: w.waitKey}
	for i, part := range w.parts {
		if part.wait == w {
			rest.parts = append(rest.parts, part)
			rest.from = append(rest.from, w.from[i])
		}
	}
	if len(rest.parts) == 0 {
		return
	}
	if len(e.wakes) > 0 && !w.coalesces && p.waitsAt(w.waitKey).renewAt.Sub(now) >= RenewFor {
		p.begin(rest, now)
		return
	}
	early := len(e.wakes) == 0 && now.Sub(w.began) < w.most/2
	for _, part := range rest.parts {
		part.leave(ended)
		part.fails = 0
		delete(p.denied, part.tp.Topic)
		if early {
			// The broker has nothing to say and does not wait either.
			part.state, part.ready = parked, now.Add(ParkMost)
		}
	}
}

// find returns the topics whose leaders are to be looked up now; rerouted ends that. There is one search at a time.
func (p *plan) find(now time.Time) (topics []string) {
	if len(p.lost) == 0 || p.finding {
		return nil
	}
	if now.Before(p.findAt) {
		p.reconcileAt(p.findAt)
		return nil
	}
	topics = make([]string, 0, len(p.lost))
	for topic := range p.lost {
		topics = append(topics, topic)
	}
	clear(p.lost)
	p.finding, p.findAt = true, now.Add(findEvery)
	return topics
}

// rerouted lets the partitions that have a new leader go on at once.
func (p *plan) rerouted(now time.Time, topics []string, leaders func(topic string) func(int32) (int32, bool)) {
	p.finding = false
	for _, topic := range topics {
		leader := leaders(topic)
		for isolation := lag.End; isolation <= lag.StableEnd; isolation++ {
			t := p.topics[logKey{topic, isolation}]
			if t == nil {
				continue
			}
			for id, part := range t.parts {
				if part == nil || part.wait != nil || part.fails == 0 {
					continue
				}
				if node, ok := leader(int32(id)); ok && node != part.failed {
					part.ready = now
				}
			}
		}
	}
	p.reconcileAt(now)
}
