package longpoll

import (
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
)

// IdleFor is how long a query counts as wanted after its stream has been told
// something: streams come back as soon as they have decided.
const IdleFor = 10 * time.Second

// sleepers are the queries that inactive streams wait for, in the order in which they came.
// The mutex is held for moments only, also within Read.
type sleepers struct {
	mu    sync.Mutex
	of    map[*store.Subscription]*sleeper
	order []*sleeper
}

// sleeper is whether inactive streams wait for a query's records. The mutex of sleepers guards it.
type sleeper struct {
	subscription *store.Subscription
	// streams is how many of them wait at this moment; until is up to when the query counts as wanted even so.
	streams int
	until   store.Stamp
	// covered is set while the waits take the query into account, awaited while every partition that it
	// selects is in one.
	covered, awaited bool
	// woken is closed when records have come; nil while nobody has asked for it.
	woken chan struct{}
}

func (sl *sleeper) wanted(now store.Stamp) bool { return sl.streams > 0 || now < sl.until }

// Attend makes the query's records awaited until done is called, and returns what is closed when there are some.
func (p *Poller) Attend(sub *store.Subscription, now store.Stamp) (woken <-chan struct{}, done func()) {
	l := &p.sleepers
	l.mu.Lock()
	defer l.mu.Unlock()
	sl := l.of[sub]
	if sl == nil {
		sl = &sleeper{subscription: sub}
		l.of[sub], l.order = sl, append(l.order, sl)
	}
	sl.streams++
	sl.until = now + store.Stamp(IdleFor)
	if sl.woken == nil {
		sl.woken = make(chan struct{})
	}
	if !sl.covered {
		signal(p.rearm)
	}
	return sl.woken, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		sl.streams--
	}
}

// Leave says that the query's streams are active, and wait for no records.
func (p *Poller) Leave(sub *store.Subscription) {
	p.sleepers.with(sub, func(sl *sleeper) { sl.until = 0 })
}

// Watched reports whether inactive streams wait for the query's records, and brokers hold a request
// open for every partition that it selects.
func (p *Poller) Watched(sub *store.Subscription, now store.Stamp) (watched bool) {
	p.sleepers.with(sub, func(sl *sleeper) { watched = sl.awaited && sl.wanted(now) })
	return watched
}

func (l *sleepers) with(sub *store.Subscription, do func(*sleeper)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if sl := l.of[sub]; sl != nil {
		do(sl)
	}
}

// wake tells the query's streams that records have come. Whether they want more they say by coming back.
func (l *sleepers) wake(sub *store.Subscription) {
	l.with(sub, func(sl *sleeper) {
		sl.until, sl.covered, sl.awaited = 0, false, false
		if sl.woken != nil {
			close(sl.woken)
			sl.woken = nil
		}
	})
}

// note says whether every partition that the query selects is in a wait.
func (l *sleepers) note(sub *store.Subscription, awaited bool) {
	l.with(sub, func(sl *sleeper) { sl.awaited = awaited })
}

// still returns the queries that are wanted, and drops the others.
func (l *sleepers) still(now store.Stamp) []*store.Subscription {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.order[:0]
	subs := make([]*store.Subscription, 0, len(l.order))
	for _, sl := range l.order {
		if sl.covered = sl.wanted(now); !sl.covered {
			delete(l.of, sl.subscription)
			continue
		}
		kept, subs = append(kept, sl), append(subs, sl.subscription)
	}
	clear(l.order[len(kept):])
	l.order = kept
	return subs
}
