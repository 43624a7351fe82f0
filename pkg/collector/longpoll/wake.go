package longpoll

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// finish takes in a wait that has ended, tells the streams concerned, and waits on.
func (p *Poller) finish(ctx context.Context, s *shard) {
	s.end()
	if _, ours := p.shards[s]; !ours {
		return // of a run that panicked
	}
	delete(p.shards, s)
	p.open[s.leader]--
	now := time.Now()
	if p.gathersOn(ctx, s, now) {
		return
	}
	p.gather(now)
	if s.err != nil {
		p.broken(s, now)
		return
	}
	p.doubt(s)
	p.take(s)
	for _, w := range s.wakes {
		if part := p.part(s, w.TopicPartition); part != nil {
			p.settle(s, part, w, now)
		}
	}
	p.goOn(ctx, s, now)
}

// broken handles a wait that failed as a whole: the broker is gone, or does not answer.
func (p *Poller) broken(s *shard, now time.Time) {
	failed := 0
	for _, part := range s.parts {
		if part.shard == s {
			p.park(part, s.leader, now)
			p.disturb(part.tp.Topic, s.kind)
			failed++
		}
	}
	if failed > 0 {
		p.opts.Logger.Debug("the wait for records failed", zap.String("cluster", p.opts.Cluster),
			zap.Int32("broker", s.leader), zap.Int("partitions", failed), zap.Error(s.err))
	}
}

// part returns the partition, if it is still in the shard.
func (p *Poller) part(s *shard, tp lag.TopicPartition) *waitPart {
	wt := p.topics[waitKey{tp.Topic, s.kind}]
	if wt == nil || tp.Partition < 0 || int(tp.Partition) >= len(wt.parts) {
		return nil
	}
	if part := wt.parts[tp.Partition]; part != nil && part.shard == s {
		return part
	}
	return nil
}

// take publishes the log ends that have grown, and notifies those who wait for them.
func (p *Poller) take(s *shard) {
	if len(s.wakes) == 0 {
		return
	}
	woken, grown := p.takeGrown(s)
	if grown == 0 {
		return
	}
	for wt := range woken {
		for _, e := range wt.listeners {
			p.sleepers.wake(e)
		}
	}
	p.opts.Woken(grown)
}

// takeGrown publishes the log ends that have grown, and returns who waits for them.
func (p *Poller) takeGrown(ended *shard) (woken map[*waitTopic]struct{}, grown int) {
	woken = map[*waitTopic]struct{}{}
	p.Write(func(s *store.Store, now store.Stamp) {
		now = s.Tick(now)
		for i := range ended.wakes {
			w := &ended.wakes[i]
			if p.part(ended, w.TopicPartition) == nil {
				continue
			}
			wt := p.topics[waitKey{w.Topic, ended.kind}]
			if s.TakeWake(w, ended.kind, wt.life, wt.listeners, now) {
				woken[wt] = struct{}{}
				grown++
			}
		}
		if grown > 0 {
			s.Show()
		}
	})
	return woken, grown
}

// settle takes a partition with news out of its shard.
func (p *Poller) settle(s *shard, part *waitPart, w lag.LogWake, now time.Time) {
	part.shard = nil
	p.disturb(part.tp.Topic, s.kind)
	switch w.Reason {
	case lag.WakeGrown:
		part.fails = 0
		p.slowDown(part, now)
	case lag.WakeShrunk:
		p.leaveToRefresh(part, now)
	case lag.WakeUnclear:
		p.slowDown(part, now)
		p.leaveToRefresh(part, now)
	case lag.WakeDenied:
		p.deny(part.tp.Topic, w.Err, now)
	case lag.WakeMoved:
		p.park(part, s.leader, now)
		signal(p.nudge)
	default:
		part.ready = now.Add(ParkMost)
		p.schedule(part.ready)
	}
}

// leaveToRefresh keeps a partition out until its log end has been read anew: only a
// read that waits for the leader to know its end can tell.
func (p *Poller) leaveToRefresh(part *waitPart, now time.Time) {
	p.Write(func(s *store.Store, now store.Stamp) { part.after = s.Tick(now) })
	p.read(part, now)
}

// read has the refresh read a log's end, and do so again until it can be read.
func (p *Poller) read(part *waitPart, now time.Time) {
	if !now.Before(part.reread) {
		part.reread = now.Add(ParkMost)
		signal(p.nudge)
	}
	p.schedule(part.reread)
}

// slowDown lets records that do not make their streams active be looked at less and
// less often, down to the rate of the refresh: many of them in a row must not
// become as many requests.
func (p *Poller) slowDown(part *waitPart, now time.Time) {
	const atOnce = 8
	if now.Sub(part.woke) > 2*p.opts.Interval() {
		part.wakes = 0
	}
	part.woke, part.ready = now, now
	if part.wakes++; part.wakes > atOnce {
		part.wakes = min(part.wakes, 100)
		part.ready = now.Add(min(GatherFor<<min(part.wakes-atOnce, 16), p.opts.Interval()))
	}
}

// deny leaves a topic to the refresh.
func (p *Poller) deny(topic string, err error, now time.Time) {
	if _, known := p.denied[topic]; !known {
		p.opts.Logger.Warn("workloads that sleep until this topic has records wake at the refresh interval, not at once",
			zap.String("cluster", p.opts.Cluster), zap.String("topic", topic), zap.Error(err))
	}
	p.denied[topic] = now.Add(DeniedFor)
}

// goOn waits on for what is left in a shard, or gives it back to be composed anew.
func (p *Poller) goOn(ctx context.Context, s *shard, now time.Time) {
	rest := &shard{lane: s.lane}
	for i, part := range s.parts {
		if part.shard == s {
			rest.parts = append(rest.parts, part)
			rest.from = append(rest.from, s.from[i])
		}
	}
	if len(rest.parts) == 0 {
		return
	}
	if len(s.wakes) > 0 && !s.gathers && p.renewAt[s.lane].Sub(now) >= RenewFor {
		p.begin(ctx, rest, now)
		return
	}
	early := len(s.wakes) == 0 && now.Sub(s.began) < s.most/2
	for _, part := range rest.parts {
		part.shard, part.fails, part.again = nil, 0, p.passes+1
		delete(p.denied, part.tp.Topic)
		if early {
			// The broker has nothing to say and does not wait either.
			part.ready = now.Add(ParkMost)
		}
	}
}

// find looks up the leaders of lost partitions, one search at a time.
func (p *Poller) find(ctx context.Context) {
	now := time.Now()
	if len(p.lost) == 0 || p.finding {
		return
	}
	if now.Before(p.findAt) {
		p.schedule(p.findAt)
		return
	}
	topics := make([]string, 0, len(p.lost))
	for topic := range p.lost {
		topics = append(topics, topic)
	}
	clear(p.lost)
	p.finding, p.findAt = true, now.Add(findEvery)
	p.running.Go(func() {
		search, cancel := context.WithTimeout(ctx, findFor)
		defer cancel()
		p.Guard("wait", func() {
			if err := p.source.FindLeaders(search, topics); err != nil {
				p.opts.Logger.Debug("the leaders of partitions could not be looked up", zap.String("cluster", p.opts.Cluster), zap.Error(err))
			}
		})
		select {
		case p.found <- topics:
		case <-ctx.Done():
		}
	})
}

// rerouted lets the partitions that have a new leader go on at once.
func (p *Poller) rerouted(topics []string) {
	p.finding = false
	now := time.Now()
	for _, topic := range topics {
		leader := p.source.Leaders(topic)
		for kind := lag.End; kind <= lag.StableEnd; kind++ {
			wt := p.topics[waitKey{topic, kind}]
			if wt == nil {
				continue
			}
			for id, part := range wt.parts {
				if part == nil || part.shard != nil || part.fails == 0 {
					continue
				}
				if node, ok := leader(int32(id)); ok && node != part.failed {
					part.ready = now
				}
			}
		}
	}
	p.schedule(now)
}
