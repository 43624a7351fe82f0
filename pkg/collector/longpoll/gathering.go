package longpoll

import (
	"context"
	"slices"
	"time"
)

// Partitions whose groups fall asleep one after another must not become as many
// waits, each with a connection, until the next renewal; nor may a wait that others
// are in be broken off for each of them. So beside the others, a lane has one wait
// that is short while they come, and they enter it together with those that it ends
// for. At the renewal, all are composed together.

const (
	// GatheringWait is how long such a wait takes, and so how long at most they are kept back. With many in it, whose
	// request costs something, it takes that much longer for each gatheringSize of them, and gatheringMost at most.
	GatheringWait = 100 * time.Millisecond
	gatheringSize = 50
	gatheringMost = 500 * time.Millisecond
	// GatheringFor is how long nobody must have come for the wait to take as long as the others.
	GatheringFor = 5 * time.Second
)

func gatheringTime(n int) time.Duration {
	return min(GatheringWait*time.Duration(1+n/gatheringSize), gatheringMost)
}

// gatheredSizes is how many times the size of a shard the gathering one may have.
const gatheredSizes = 2

// gathering notes that partitions have come to a lane in which others are waited for, and
// tells whether the wait that begins with those that are free gathers those that come
// next. Where one does already, it keeps back those that are new until that one has ended;
// a record that comes to them meanwhile is found as soon as their wait begins.
func (p *Poller) gathering(l lane, free *candidates, now time.Time) (begins bool) {
	waits, gathers := p.waitsIn(l)
	if waits && slices.ContainsFunc(free.parts, p.isNew) {
		p.came[l] = now
	}
	if gathers {
		p.keepBack(l, free)
	}
	return waits && !gathers && p.coming(l, now)
}

// gathersOn begins a wait that nothing has happened in, and that has gathered nobody, anew
// as it was, while somebody may still come: a pass over everything each time would be most
// of the work.
func (p *Poller) gathersOn(ctx context.Context, s *shard, now time.Time) bool {
	nothing := s.err == nil && len(s.wakes) == 0 && now.Sub(s.began) >= s.most/2 && len(p.denied) == 0
	if !nothing || !s.gathers || p.kept[s.lane] == p.passes || !p.coming(s.lane, now) || p.renewAt[s.lane].Sub(now) < RenewFor {
		return false
	}
	for _, part := range s.parts {
		if part.shard != s || part.fails > 0 {
			return false
		}
	}
	p.begin(ctx, &shard{lane: s.lane, parts: s.parts, from: s.from, gathers: true}, now)
	return true
}

// coming tells whether partitions have come to a lane one after another lately.
func (p *Poller) coming(l lane, now time.Time) bool { return now.Sub(p.came[l]) < GatheringFor }

// waitsIn tells whether there are waits in the lane, and whether one of them gathers those that come.
func (p *Poller) waitsIn(l lane) (waits, gathers bool) {
	for s := range p.shards {
		if s.lane == l {
			waits, gathers = true, gathers || s.gathers
		}
	}
	return waits, gathers
}

// keepBack takes the partitions that are new out of those that are free.
func (p *Poller) keepBack(l lane, free *candidates) {
	var begin candidates
	for i, part := range free.parts {
		if p.isNew(part) {
			p.postpone(part)
			p.kept[l] = p.passes
			continue
		}
		begin.parts, begin.from = append(begin.parts, part), append(begin.from, free.from[i])
	}
	*free = begin
}

// isNew tells whether the partition was in no wait before this pass.
func (p *Poller) isNew(part *waitPart) bool { return part.again != p.passes }

// postpone leaves the partition to the next pass.
func (p *Poller) postpone(part *waitPart) {
	part.renewing = p.passes
	if !p.isNew(part) {
		part.again = p.passes + 1
	}
}

// shardsBeside is shardsFor of a lane with a wait that gathers. That one may be larger
// than others, and where it is to come, they are larger, so that it costs no connection.
func (p *Poller) shardsBeside(l lane, n int, gathers bool, now time.Time) int {
	shards, size := p.shardsFor(n), p.opts.ShardSize
	switch {
	case gathers && n <= size*gatheredSizes:
		return 1
	case !gathers && p.coming(l, now) && shards > 1 && n <= (shards-1)*(size+size/2):
		return shards - 1
	}
	return shards
}
