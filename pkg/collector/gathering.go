package collector

import (
	"slices"
	"time"
)

// Partitions whose groups fall asleep one after another must not become as many
// waits, each with a connection, until the next renewal; nor may a wait that others
// are in be broken off for each of them. So while they come, one wait of a lane is
// short, and they enter it together with those that it ends for.

const (
	// gatheringWait is how long such a wait takes, and so how long at most they are kept back.
	gatheringWait = 500 * time.Millisecond
	// gatheringFor is how long nobody must have come for the wait to take as long as the others.
	gatheringFor = 10 * time.Second
)

// gatheredSizes is how many times the size of a shard the gathering one may have.
const gatheredSizes = 2

// gathersNext tells whether the wait that begins with the free partitions gathers
// those that come next. Where one does already, those that are new are kept back
// until it has ended, which takes no longer than gatheringWait; a record that comes
// to them meanwhile is found as soon as their wait begins.
func (p *push) gathersNext(l lane, free *candidates, now time.Time) bool {
	fresh := func(part *waitPart) bool { return !part.again }
	if p.waitsIn(l) && slices.ContainsFunc(free.parts, fresh) {
		p.came[l] = now
	}
	if p.gathering(l) {
		p.keepBack(free, fresh)
		return false
	}
	return now.Sub(p.came[l]) < gatheringFor
}

// waitsIn tells whether there is a wait in the lane.
func (p *push) waitsIn(l lane) bool {
	for s := range p.shards {
		if s.lane == l {
			return true
		}
	}
	return false
}

// gathering tells whether a wait under way gathers those that come.
func (p *push) gathering(l lane) bool {
	for s := range p.shards {
		if s.lane == l && s.gathers {
			return true
		}
	}
	return false
}

// keepBack takes partitions out of those that are free, as if their wait were being renewed.
func (p *push) keepBack(free *candidates, which func(*waitPart) bool) {
	var begin candidates
	for i, part := range free.parts {
		if which(part) {
			part.renewing = p.passes
			continue
		}
		begin.parts, begin.from = append(begin.parts, part), append(begin.from, free.from[i])
	}
	*free = begin
}
