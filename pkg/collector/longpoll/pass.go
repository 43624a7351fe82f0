package longpoll

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// passing is one pass over everything that is wanted.
type passing struct {
	now time.Time
	// free are the partitions that are wanted and in no shard, in the order of their topics.
	free map[lane]*candidates
	// denied are the topics that would be waited on if they might be read.
	denied map[string]struct{}
}

type candidates struct {
	parts []*waitPart
	from  []lag.LogWait
}

// pass brings the waits in line with what is wanted: it begins those that are
// missing, and ends those of which nothing is wanted. A wait of which some is
// wanted goes on until it is renewed.
func (p *Poller) pass(ctx context.Context) {
	p.next = time.Time{}
	p.passes++
	run := passing{now: time.Now(), free: map[lane]*candidates{}, denied: map[string]struct{}{}}
	idle := p.wantAll(&run)
	p.dropUnwanted()
	p.fillAll(ctx, &run)
	p.noteAwaited(idle)
	p.forget()
	p.observe(len(run.denied))
	p.took = time.Since(run.now)
}

// wantAll notes what the sleepers want, and returns them.
func (p *Poller) wantAll(run *passing) (idle []*store.Entry) {
	p.Read(func(s *store.Store, now store.Stamp) {
		idle = p.sleepers.still(now)
		for _, e := range idle {
			for _, tr := range e.Tracked() {
				p.want(run, e, tr)
			}
		}
		for topic := range p.denied {
			if s.Topic(topic) == nil {
				delete(p.denied, topic)
			}
		}
	})
	return idle
}

// want notes what one entry wants of one topic. mu is held for reading.
func (p *Poller) want(run *passing, e *store.Entry, tr *store.Tracked) {
	t := tr.Topic()
	if t.MissingOrDenied() {
		return
	}
	if until, denied := p.denied[t.Name()]; denied {
		run.denied[t.Name()] = struct{}{}
		if run.now.Before(until) {
			return
		}
	}
	wt := p.topic(t, tr.Kind())
	if wt.mark != p.passes {
		wt.mark, wt.listeners, wt.leader = p.passes, wt.listeners[:0], p.source.Leaders(t.Name())
		wt.whole = false
	}
	wt.listeners = append(wt.listeners, e)
	if wt.whole {
		return
	}
	wt.whole = e.Partitions == nil
	for _, id := range t.IDs() {
		if !e.Partitions.Contains(id) {
			continue
		}
		if end, asked := tr.End(id); asked != 0 {
			p.wantPart(run, wt, wt.part(t.Name(), id), tr.Kind(), end, asked)
		}
	}
}

func (p *Poller) wantPart(run *passing, wt *waitTopic, part *waitPart, kind lag.Position, end int64, asked store.Stamp) {
	if part.mark == p.passes {
		return
	}
	part.mark = p.passes
	node, known := wt.leader(part.tp.Partition)
	if part.shard != nil {
		if !known || part.shard.leader == node {
			return
		}
		part.shard = nil // it has moved on without the old leader saying so
	}
	switch {
	case asked <= part.after:
		p.read(part, run.now)
	case run.now.Before(part.ready):
		p.schedule(part.ready)
	case !known:
		p.park(part, -1, run.now)
	default:
		l := lane{node, kind}
		free := run.free[l]
		if free == nil {
			free = &candidates{}
			run.free[l] = free
		}
		free.parts = append(free.parts, part)
		free.from = append(free.from, lag.LogWait{TopicPartition: part.tp, Offset: end})
	}
}

// topic returns the waits on a topic in its present life. A shard of an earlier life is of no interest any more.
func (p *Poller) topic(t *store.Topic, kind lag.Position) *waitTopic {
	key := waitKey{t.Name(), kind}
	wt := p.topics[key]
	if wt == nil || wt.life != t.Life() {
		if wt != nil {
			for _, part := range wt.parts {
				if part != nil {
					part.shard = nil
				}
			}
		}
		wt = &waitTopic{life: t.Life()}
		p.topics[key] = wt
	}
	return wt
}

func (wt *waitTopic) part(topic string, id int32) *waitPart {
	if missing := int(id) + 1 - len(wt.parts); missing > 0 {
		wt.parts = append(wt.parts, make([]*waitPart, missing)...)
	}
	if wt.parts[id] == nil {
		wt.parts[id] = &waitPart{tp: lag.TopicPartition{Topic: topic, Partition: id}}
	}
	return wt.parts[id]
}

// dropUnwanted ends the waits of which nothing is wanted.
func (p *Poller) dropUnwanted() {
	for s := range p.shards {
		wanted := slices.ContainsFunc(s.parts, func(part *waitPart) bool { return part.shard == s && part.mark == p.passes })
		if !wanted {
			p.release(s)
			s.end()
		}
	}
}

// release takes all partitions out of a shard.
func (p *Poller) release(s *shard) {
	for _, part := range s.parts {
		if part.shard == s {
			part.shard = nil
		}
	}
}

// fillAll begins waits for everything that is free, for those first who have the fewest.
func (p *Poller) fillAll(ctx context.Context, run *passing) {
	waits := map[lane]int{}
	for s := range p.shards {
		waits[s.lane]++
	}
	poorest := func(a, b lane) int { return cmp.Or(cmp.Compare(waits[a], waits[b]), cmp.Compare(a.kind, b.kind)) }
	for _, l := range slices.SortedFunc(maps.Keys(run.free), poorest) {
		if !p.fill(ctx, l, run.free[l], run.now) {
			p.endSmallest(l, waits)
		}
	}
}

// fill begins waits for free partitions of one leader. It returns false where that has no connection left.
func (p *Poller) fill(ctx context.Context, l lane, free *candidates, now time.Time) bool {
	if until := p.renewAt[l].Add(RenewFor); p.open[l.leader] > 0 && p.renewAt[l].Sub(now) < RenewFor && now.Before(until) {
		// More of them are about to end, to be composed together with these.
		for _, part := range free.parts {
			p.postpone(part)
		}
		p.schedule(until)
		return true
	}
	gathers := p.gathering(l, free, now)
	n := len(free.parts)
	if n == 0 {
		return true
	}
	shards := min(p.shardsBeside(l, n, gathers, now), p.room(l.leader))
	if shards == 0 {
		return false
	}
	size := (n + shards - 1) / shards
	for from := 0; from < n; from += size {
		to := min(from+size, n)
		p.begin(ctx, &shard{lane: l, parts: free.parts[from:to:to], from: free.from[from:to:to], gathers: gathers && to == n}, now)
	}
	return true
}

// endSmallest ends the smallest wait of a lane, so that the next pass can make one
// of it and of what is free. A lane that has none gets the connection of another
// one on its broker that has several.
func (p *Poller) endSmallest(l lane, waits map[lane]int) {
	if waits[l] == 0 {
		most := 1
		for other, n := range waits {
			if other.leader == l.leader && n > most {
				l, most = other, n
			}
		}
	}
	var smallest *shard
	for s := range p.shards {
		if s.lane == l && (smallest == nil || len(s.parts) < len(smallest.parts)) {
			smallest = s
		}
	}
	if smallest != nil {
		p.release(smallest)
		smallest.end()
	}
}

// shardsFor returns how many shards so many partitions make. A shard may be an
// eighth larger than the size, which is better than a shard more.
func (p *Poller) shardsFor(n int) int {
	most := p.opts.ShardSize + p.opts.ShardSize/8
	return max(1, (n+most-1)/most)
}

// room returns how many waits may be begun on a broker. A quarter of all is kept
// for those that come one by one, between two renewals.
func (p *Poller) room(leader int32) int {
	most := p.opts.MaxWaitsPerBroker
	if room := most - most/4 - p.open[leader]; room > 0 {
		return room
	}
	return min(1, max(0, most-p.open[leader]))
}

// begin sends one request, in a goroutine that run waits for.
func (p *Poller) begin(ctx context.Context, s *shard, now time.Time) {
	if p.renewAt[s.lane].Sub(now) < RenewFor {
		p.renewAt[s.lane] = now.Add(p.firstWait(s))
	}
	s.began, s.most = now, p.renewAt[s.lane].Sub(now)
	if s.gathers {
		s.most = min(s.most, gatheringTime(len(s.parts)))
	}
	for _, part := range s.parts {
		part.shard = s
	}
	wait, end := context.WithCancel(ctx)
	s.end = end
	p.shards[s] = struct{}{}
	p.open[s.leader]++
	p.running.Go(func() {
		if !p.Guard("wait", func() { s.wakes, s.err = p.source.AwaitRecords(wait, s.leader, s.kind, s.from, s.most) }) {
			s.err = store.ErrNoAnswer
		}
		select {
		case p.results <- s:
		case <-ctx.Done():
		}
	})
}

// firstWait is how long the first of a lane's waits takes after none was left of them, or
// all were renewed. Those who begin to be waited for are often not the last: what comes
// after them soon is composed with them.
func (p *Poller) firstWait(s *shard) time.Duration {
	for _, part := range s.parts {
		if !p.isNew(part) {
			return MaxWait
		}
	}
	return GatheringFor
}

// forget drops what is not wanted and in no shard.
func (p *Poller) forget() {
	for key, wt := range p.topics {
		if wt.mark == p.passes {
			continue
		}
		if !slices.ContainsFunc(wt.parts, func(part *waitPart) bool { return part != nil && part.shard != nil }) {
			delete(p.topics, key)
		}
	}
}

func (p *Poller) observe(denied int) {
	stats := Stats{Waits: len(p.shards), DeniedTopics: denied}
	for s := range p.shards {
		stats.Partitions += len(s.parts)
	}
	p.opts.Waiting(stats)
}

// parking is how long a partition stays out after so many failures in a row.
func parking(fails uint8) time.Duration { return min(parkFirst<<min(fails, 10), ParkMost) }

// park keeps a partition out for a while that grows, and has its leader looked up.
func (p *Poller) park(part *waitPart, on int32, now time.Time) {
	part.shard, part.failed = nil, on
	part.ready = now.Add(parking(part.fails))
	part.fails = min(part.fails+1, 100)
	p.lost[part.tp.Topic] = struct{}{}
	p.schedule(part.ready)
}
