package longpoll

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Partitions whose groups fall asleep one after another must not become as many
// waits, each with a connection, until the next renewal; nor may a wait that others
// are in be broken off for each of them. So next to the others, a lane has one wait
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

// gatheredSizes is how many times the size of a wait the gathering one may have.
const gatheredSizes = 2

// fillAll begins waits for everything that is free, for those first who have the fewest.
func (p *plan) fillAll() {
	waits := map[lane]int{}
	for key, l := range p.lanes {
		waits[key] = len(l.waits)
	}
	poorest := func(a, b lane) int {
		return cmp.Or(cmp.Compare(waits[a], waits[b]), cmp.Compare(a.kind, b.kind), cmp.Compare(a.leader, b.leader))
	}
	for _, l := range slices.SortedFunc(maps.Keys(p.free), poorest) {
		if !p.fill(l, p.free[l]) {
			p.endSmallest(l, waits)
		}
	}
}

// fill begins waits for free partitions of one leader. It returns false where that has no connection left.
func (p *plan) fill(key lane, free *candidates) bool {
	l := p.lane(key)
	if until := l.renewAt.Add(RenewFor); p.open(key.leader) > 0 && l.renewAt.Sub(p.now) < RenewFor && p.now.Before(until) {
		// More of them are about to end, to be composed together with these.
		for _, part := range free.parts {
			postpone(part)
		}
		p.lookAt(until)
		return true
	}
	gathers := p.gather(l, free)
	n := len(free.parts)
	if n == 0 {
		return true
	}
	waits := min(p.waitsFor(l, n, gathers), p.room(key.leader))
	if waits == 0 {
		for _, part := range free.parts {
			part.state = crowded
		}
		return false
	}
	size := (n + waits - 1) / waits
	for from := 0; from < n; from += size {
		to := min(from+size, n)
		p.begin(&wait{lane: key, parts: free.parts[from:to:to], from: free.from[from:to:to], gathers: gathers && to == n}, p.now)
	}
	return true
}

// postpone leaves a partition to the next look: one that is new has come while others are waited for.
func postpone(part *part) {
	if part.isNew() {
		part.state = gathering
	} else {
		part.state = renewing
	}
}

// gather notes that partitions have come to a lane in which others are waited for, and
// tells whether the wait that begins with those that are free gathers those that come
// next. Where one does already, it keeps back those that are new until that one has ended;
// a record that comes to them meanwhile is found as soon as their wait begins.
func (p *plan) gather(l *laneWaits, free *candidates) (begins bool) {
	others, gathers := len(l.waits) > 0, l.gathers()
	if others && slices.ContainsFunc(free.parts, (*part).isNew) {
		l.came = p.now
	}
	if gathers {
		keepBack(l, free)
	}
	return others && !gathers && l.coming(p.now)
}

// keepBack takes the partitions that are new out of those that are free.
func keepBack(l *laneWaits, free *candidates) {
	var begin candidates
	for i, part := range free.parts {
		if part.isNew() {
			postpone(part)
			l.keepsBack = true
			continue
		}
		begin.add(part, free.from[i])
	}
	*free = begin
}

// coming tells whether partitions have come to the lane one after another lately.
func (l *laneWaits) coming(now time.Time) bool { return now.Sub(l.came) < GatheringFor }

// waitsFor returns how many waits so many partitions of a lane make. One that gathers may
// be larger than others, and where one is to come, they are larger, so that it costs no connection.
func (p *plan) waitsFor(l *laneWaits, n int, gathers bool) int {
	waits := p.shards(n)
	switch {
	case gathers && n <= p.size*gatheredSizes:
		return 1
	case !gathers && l.coming(p.now) && waits > 1 && n <= (waits-1)*(p.size+p.size/2):
		return waits - 1
	}
	return waits
}

// shards returns how many waits so many partitions make. A wait may be an
// eighth larger than the size, which is better than a wait more.
func (p *plan) shards(n int) int {
	most := p.size + p.size/8
	return max(1, (n+most-1)/most)
}

// room returns how many waits may be begun on a broker. A quarter of all is kept
// for those that come one by one, between two renewals.
func (p *plan) room(leader int32) int {
	open := p.open(leader)
	if room := p.most - p.most/4 - open; room > 0 {
		return room
	}
	return min(1, max(0, p.most-open))
}

// endSmallest ends the smallest wait of a lane, so that the next look can make one
// of it and of what is free. A lane that has none gets the connection of another
// one on its broker that has several.
func (p *plan) endSmallest(l lane, waits map[lane]int) {
	if waits[l] == 0 {
		most := 1
		for other, n := range waits {
			if other.leader == l.leader && n > most {
				l, most = other, n
			}
		}
	}
	var smallest *wait
	for w := range p.lane(l).waits {
		if smallest == nil || len(w.parts) < len(smallest.parts) {
			smallest = w
		}
	}
	if smallest != nil {
		p.interrupt(smallest)
	}
}

// begin orders a wait.
func (p *plan) begin(w *wait, now time.Time) {
	l := p.lane(w.lane)
	if l.renewAt.Sub(now) < RenewFor {
		l.renewAt = now.Add(firstWait(w))
	}
	w.began, w.most = now, l.renewAt.Sub(now)
	if w.gathers {
		w.most = min(w.most, gatheringTime(len(w.parts)))
	}
	for _, part := range w.parts {
		part.state, part.wait = waiting, w
	}
	l.waits[w] = struct{}{}
	p.orders.begin = append(p.orders.begin, w)
}

// firstWait is how long the first of a lane's waits takes after none was left of them, or
// all were renewed. Those who begin to be waited for are often not the last: what comes
// after them soon is composed with them.
func firstWait(w *wait) time.Duration {
	for _, part := range w.parts {
		if !part.isNew() {
			return MaxWait
		}
	}
	return GatheringFor
}
