package longpoll

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// finish takes in a wait that has ended, tells the streams concerned, and waits on.
func (p *Poller) finish(ctx context.Context, r result) {
	if !p.plan.has(r.wait) {
		return // of a run that panicked
	}
	p.ends[r.wait]()
	delete(p.ends, r.wait)
	now := time.Now()
	e := ending{wakes: r.wakes, err: r.err, interval: p.opts.Interval(), soon: p.soon()}
	if r.err == nil && len(r.wakes) > 0 {
		p.verify(r)
		e.at = p.publish(r)
	}
	o := p.plan.ended(now, r.wait, e)
	p.carryOut(ctx, o)
	if o.failed > 0 {
		p.opts.Logger.Debug("the wait for records failed", zap.String("cluster", p.opts.Cluster),
			zap.Int32("broker", r.leader), zap.Int("partitions", o.failed), zap.Error(r.err))
	}
}

// verify leaves to the refresh what may be no record at all: the broker showed markers and aborted records only, but
// it did not show all of the new offsets. The refresh reads the rest before it tells anybody. Where it cannot read,
// or where some of those who wait read uncommitted records, they are told all the same.
func (p *Poller) verify(r result) {
	for i := range r.wakes {
		w := &r.wakes[i]
		if w.Reason != lag.WakeGrown || !w.Seen.Taken || w.Seen.Record || w.Seen.Empty {
			continue
		}
		t := p.plan.topics[logKey{w.Topic, r.isolation}]
		if t != nil && !slices.ContainsFunc(t.listeners, func(sub *store.Subscription) bool { return !sub.Inspect }) {
			w.Reason = lag.WakeUnclear
		}
	}
}

// publish publishes the log ends that have grown, wakes those who wait for them, and returns a stamp of after that.
func (p *Poller) publish(r result) (at store.Stamp) {
	woken := map[*topicPlan]struct{}{}
	grown := 0
	p.Write(func(s *store.Store, now store.Stamp) {
		at = s.Tick(now)
		for i := range r.wakes {
			w := &r.wakes[i]
			part, t := p.plan.in(r.wait, w.TopicPartition)
			if part == nil {
				continue
			}
			if s.TakeWake(w, r.isolation, t.incarnation, t.listeners, at) {
				woken[t] = struct{}{}
				grown++
			}
		}
		if grown > 0 {
			s.Show()
		}
	})
	for t := range woken {
		for _, sub := range t.listeners {
			p.sleepers.wake(sub)
		}
	}
	if grown > 0 {
		p.opts.Woken(grown)
	}
	return at
}
