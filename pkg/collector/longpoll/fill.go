package longpoll

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Partitions whose groups fall asleep one after another must not become as many waits, each
// with a connection. Nor may a wait that others are in be broken off for each of them. So a
// leader has one short wait next to the others while partitions come: the coalescing wait.
// When it ends, the next one has its partitions and those that have come meanwhile. At the
// renewal, all waits of the leader are composed together.

const (
	// CoalescingWait is how long such a wait takes, and so how long new partitions are kept back at most. A wait with
	// many partitions takes that much longer for each coalescingSize of them, because its request costs something,
	// and coalescingMost at most.
	CoalescingWait = 100 * time.Millisecond
	coalescingSize = 50
	coalescingMost = 500 * time.Millisecond
	// CoalescingFor is how long nobody must have come for the wait to take as long as the others.
	CoalescingFor = 5 * time.Second
)

func coalescingTime(n int) time.Duration {
	return min(CoalescingWait*time.Duration(1+n/coalescingSize), coalescingMost)
}

// coalescedSizes is how many times the size of other waits the coalescing one may have.
const coalescedSizes = 2

// fillAll begins waits for everything that is free, for those first who have the fewest.
func (p *plan) fillAll() {
	waits := map[waitKey]int{}
	for key, l := range p.waits {
		waits[key] = len(l.waits)
	}
	poorest := func(a, b waitKey) int {
		return cmp.Or(cmp.Compare(waits[a], waits[b]), cmp.Compare(a.isolation, b.isolation), cmp.Compare(a.leader, b.leader))
	}
	for _, l := range slices.SortedFunc(maps.Keys(p.free), poorest) {
		if !p.fill(l, p.free[l]) {
			p.endSmallest(l, waits)
		}
	}
}

// fill begins waits for free partitions of one leader. It returns false where that has no connection left.
func (p *plan) fill(key waitKey, free *candidates) bool {
	l := p.waitsAt(key)
	if until := l.renewAt.Add(RenewFor); p.open(key.leader) > 0 && l.renewAt.Sub(p.now) < RenewFor && p.now.Before(until) {
		// More of them are about to end, to be composed together with these.
		for _, part := range free.parts {
			postpone(part)
		}
		p.reconcileAt(until)
		return true
	}
	coalesces := p.coalesce(l, free)
	n := len(free.parts)
	if n == 0 {
		return true
	}
	waits := min(p.waitsFor(l, n, coalesces), p.room(key.leader))
	if waits == 0 {
		for _, part := range free.parts {
			part.state = crowded
		}
		return false
	}
	size := (n + waits - 1) / waits
	for from := 0; from < n; from += size {
		to := min(from+size, n)
		p.begin(&wait{waitKey: key, parts: free.parts[from:to:to], from: free.from[from:to:to], coalesces: coalesces && to == n}, p.now)
	}
	return true
}

// postpone leaves a partition to the next time that the plan is reconciled. One that is new has come while others are
// waited for.
func postpone(part *part) {
	if part.isNew() {
		part.state = coalescing
	} else {
		part.state = renewing
	}
}

// coalesce notes that partitions have come while others of their leader are waited for. It
// tells whether the wait that begins with those that are free is to coalesce those that come
// next. Where there is such a wait already, it keeps back the new ones until that has ended.
// A record that comes to them meanwhile is seen as soon as their wait begins.
func (p *plan) coalesce(l *waitSet, free *candidates) (begins bool) {
	others, coalesces := len(l.waits) > 0, l.coalesces()
	if others && slices.ContainsFunc(free.parts, (*part).isNew) {
		l.came = p.now
	}
	if coalesces {
		keepBack(l, free)
	}
	return others && !coalesces && l.coming(p.now)
}

// keepBack takes the partitions that are new out of those that are free.
func keepBack(l *waitSet, free *candidates) {
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

// coming tells whether partitions have come one after another lately.
func (l *waitSet) coming(now time.Time) bool { return now.Sub(l.came) < CoalescingFor }

// waitsFor returns how many waits so many partitions of a leader make. A coalescing wait may be
// larger than others. Where one is to come, the others are larger, so that it costs no connection.
func (p *plan) waitsFor(l *waitSet, n int, coalesces bool) int {
	waits := p.sized(n)
	switch {
	case coalesces && n <= p.size*coalescedSizes:
		return 1
	case !coalesces && l.coming(p.now) && waits > 1 && n <= (waits-1)*(p.size+p.size/2):
		return waits - 1
	}
	return waits
}

// sized returns how many waits so many partitions make. A wait may be an
// eighth larger than the size, which is better than a wait more.
func (p *plan) sized(n int) int {
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

// endSmallest ends the smallest wait of a key, so that the next reconcile can make one of it
// and of what is free. A key that has none gets the connection of another one of its broker
// that has several.
func (p *plan) endSmallest(l waitKey, waits map[waitKey]int) {
	if waits[l] == 0 {
		most := 1
		for other, n := range waits {
			if other.leader == l.leader && n > most {
				l, most = other, n
			}
		}
	}
	var smallest *wait
	for w := range p.waitsAt(l).waits {
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
	l := p.waitsAt(w.waitKey)
	if l.renewAt.Sub(now) < RenewFor {
		l.renewAt = now.Add(firstWait(w))
	}
	w.began, w.most = now, l.renewAt.Sub(now)
	if w.coalesces {
		w.most = min(w.most, coalescingTime(len(w.parts)))
	}
	for _, part := range w.parts {
		part.state, part.wait = waiting, w
	}
	l.waits[w] = struct{}{}
	p.orders.begin = append(p.orders.begin, w)
}

// firstWait is how long the first wait of a key takes after none was left, or after all were
// renewed. New partitions are often not the last: those that soon follow are then composed
// with them.
func firstWait(w *wait) time.Duration {
	for _, part := range w.parts {
		if !part.isNew() {
			return MaxWait
		}
	}
	return CoalescingFor
}
