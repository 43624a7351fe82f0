package longpoll

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
)

// reconcile brings the waits in line with what is wanted.
func (p *Poller) reconcile(ctx context.Context) {
	began := time.Now()
	p.plan.reconcile(began)
	idle := p.wantAll()
	p.carryOut(ctx, p.plan.reconciled())
	p.noteAwaited(idle)
	p.opts.Waiting(p.plan.stats())
	p.took = time.Since(began)
}

// wantAll tells the plan what the sleepers want, and returns them.
func (p *Poller) wantAll() (idle []*store.Subscription) {
	p.Read(func(s *store.Store, now store.Stamp) {
		idle = p.sleepers.still(now)
		for _, sub := range idle {
			for _, gt := range sub.Selected() {
				p.want(sub, gt)
			}
		}
		for topic := range p.plan.denied {
			if s.Topic(topic) == nil {
				delete(p.plan.denied, topic)
			}
		}
	})
	return idle
}

// want tells the plan what one sleeper wants of one topic.
func (p *Poller) want(sub *store.Subscription, gt *store.GroupTopic) {
	topic := gt.Topic()
	if topic.MissingOrDenied() {
		return
	}
	key := logKey{topic.Name(), gt.Isolation()}
	t := p.plan.wantTopic(key, topic.Incarnation(), sub, p.source.Leaders)
	if t == nil || t.wantedWhole {
		return
	}
	t.wantedWhole = sub.Partitions == nil
	for _, id := range topic.IDs() {
		if !sub.Partitions.Contains(id) {
			continue
		}
		if end, asked := gt.End(id); asked != 0 {
			p.plan.want(t, key, id, end, asked)
		}
	}
}

// noteAwaited brings up to date which of the sleepers are waited for as a whole.
func (p *Poller) noteAwaited(idle []*store.Subscription) {
	p.Read(func(*store.Store, store.Stamp) {
		for _, sub := range idle {
			p.sleepers.note(sub, p.awaits(sub))
		}
	})
}

// awaits reports whether every partition that the query selects is in a wait, or
// between one and the next. It is called within Read, just after a reconcile.
func (p *Poller) awaits(sub *store.Subscription) bool {
	for _, gt := range sub.Selected() {
		topic := gt.Topic()
		t := p.plan.topics[logKey{topic.Name(), gt.Isolation()}]
		if t == nil || t.incarnation != topic.Incarnation() {
			return false
		}
		if sub.Partitions == nil {
			if !t.awaitsAll(len(topic.IDs())) {
				return false
			}
			continue
		}
		for _, id := range topic.IDs() {
			if sub.Partitions.Contains(id) && !t.awaits(id) {
				return false
			}
		}
	}
	return len(sub.Selected()) > 0
}

// carryOut does what the plan has ordered.
func (p *Poller) carryOut(ctx context.Context, o orders) {
	for _, w := range o.end {
		p.ends[w]()
	}
	for _, w := range o.begin {
		p.begin(ctx, w)
	}
	if o.refresh {
		signal(p.nudge)
	}
	for topic, err := range o.denied {
		p.opts.Logger.Warn("workloads that sleep until this topic has records wake at the refresh interval, not at once",
			zap.String("cluster", p.opts.Cluster), zap.String("topic", topic), zap.Error(err))
	}
	for _, key := range o.disturbed {
		if t := p.plan.topics[key]; t != nil {
			for _, sub := range t.listeners {
				p.sleepers.note(sub, false)
			}
		}
	}
}

// begin sends one request, in a goroutine that Run waits for.
func (p *Poller) begin(ctx context.Context, w *wait) {
	await, end := context.WithCancel(ctx)
	p.ends[w] = end
	p.running.Go(func() {
		r := result{wait: w}
		if !p.Guard("wait", func() { r.wakes, r.err = p.source.AwaitRecords(await, w.leader, w.isolation, w.from, w.most) }) {
			r.err = store.ErrNoAnswer
		}
		select {
		case p.results <- r:
		case <-ctx.Done():
		}
	})
}
