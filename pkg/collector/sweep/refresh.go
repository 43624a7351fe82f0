package sweep

import (
	"context"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
)

// Refresh keeps what the queries need fresh, until ctx ends.
func (w *Sweeper) Refresh(ctx context.Context) {
	for {
		if !w.sleepUntilNeeded(ctx) {
			return
		}
		// What requests are composed for is forgotten whenever nobody asks any more.
		r := rounds{Sweeper: w, steady: map[*store.Subscription]*steadiness{}}
		for {
			start := time.Now()
			needsVersion := w.needsVersion() // not after: a query that joins in between is rather composed for twice than never
			live := w.queries.Live()
			if len(live) == 0 {
				break
			}
			took := time.Duration(0)
			if scope := r.next(live, needsVersion); scope != nil {
				// A call may have to connect first. With time for one of the two only, a broker that takes most of it
				// would never be heard of again once its connections are lost.
				late := w.Sweep(ctx, scope, 2*w.opts.RequestTimeout)
				w.noteHealth()
				took = time.Since(start)
				w.opts.Observer.Refreshed(took, late)
				r.took = took
				if scope == &r.all {
					w.chooseInterval(scope)
				}
			}
			if !w.rest(ctx, w.pause(took)) {
				return
			}
		}
	}
}

func (w *Sweeper) needsVersion() (needsVersion uint64) {
	w.Read(func(s *store.Store, _ store.Stamp) { needsVersion = s.NeedsVersion() })
	return needsVersion
}

// rounds decides what each refresh covers: everything, or, between two of those,
// only what is awake.
type rounds struct {
	*Sweeper
	// all and awake are two scopes, each with its requests.
	all, awake Scope
	// whole is when everything was last covered.
	whole store.Stamp
	// took is how long the newest sweep took.
	took time.Duration
	// round counts the refreshes, and steady is what is remembered of each query from one to the next.
	round  uint64
	steady map[*store.Subscription]*steadiness
}

// next returns what to refresh now of the queries, as of a version of the needs, or nil if all is asleep and not due.
func (r *rounds) next(live []*store.Subscription, needsVersion uint64) *Scope {
	awake, same, now := r.awakeOf(live)
	if r.whole == 0 || len(awake) == len(live) || now-r.whole >= store.Stamp(r.wholeEvery()) {
		r.whole = now
		r.all.subscriptions, r.all.taken = live, needsVersion
		return &r.all
	}
	if !same {
		r.awake.taken++
		for _, sub := range awake {
			r.steady[sub].member = r.awake.taken
		}
	}
	r.awake.subscriptions = awake
	if len(awake) == 0 {
		return nil
	}
	return &r.awake
}

// wholeEvery is how often everything is covered. It is SleepInterval less the time that a
// refresh takes and may be late by: so the numbers of what sleeps do not become too old where
// the cluster or the machine is slow.
func (r *rounds) wholeEvery() time.Duration {
	// The refresh of those awake that it waits for, the rest after it, and its own time.
	return r.opts.SleepInterval - 3*r.took
}

// awakeOf returns the queries that are not asleep, and whether they are those that
// the scope of those awake was last composed for.
func (r *rounds) awakeOf(live []*store.Subscription) (awake []*store.Subscription, same bool, at store.Stamp) {
	r.round++
	members := 0
	awake = make([]*store.Subscription, 0, len(live))
	r.Read(func(s *store.Store, now store.Stamp) {
		at = now
		for _, sub := range live {
			k := r.steadinessOf(sub)
			k.note(s.Latest(sub).Changed)
			if r.asleep(s, now, sub, k) {
				continue
			}
			awake = append(awake, sub)
			if k.member == r.awake.taken && r.awake.taken != 0 {
				members++
			}
		}
	})
	if len(r.steady) > len(live) {
		r.forgetSteady()
	}
	return awake, members == len(awake) && members == len(r.awake.subscriptions), at
}

func (r *rounds) steadinessOf(sub *store.Subscription) *steadiness {
	k := r.steady[sub]
	if k == nil {
		k = &steadiness{}
		r.steady[sub] = k
	}
	k.seen = r.round
	return k
}

// forgetSteady forgets the queries that there are no longer.
func (r *rounds) forgetSteady() {
	for sub, k := range r.steady {
		if k.seen != r.round {
			delete(r.steady, sub)
		}
	}
}

// pause returns how long to rest after a refresh. One that took longer than the
// interval is followed by as long a rest, so that a cluster, or a machine, that is
// too slow for the interval is not kept busy without a break.
func (w *Sweeper) pause(took time.Duration) time.Duration {
	if interval := w.Interval(); took <= interval {
		return interval - took
	}
	w.opts.Observer.Stretched(2 * took)
	return took
}

// sleepUntilNeeded waits until a query has been read directly, and then for the
// interval after which its numbers are due again. It returns false if ctx ends.
func (w *Sweeper) sleepUntilNeeded(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-w.awake:
		return w.rest(ctx, w.Interval())
	}
}

// rest waits until the next refresh is due, or until the waits need one. It
// returns false if ctx ends.
func (w *Sweeper) rest(ctx context.Context, d time.Duration) bool {
	// However often they need one, there is no more than one in this time.
	const least = 100 * time.Millisecond
	nudges := w.waits.Nudges()
	if nudges == nil || d <= least {
		return pace.Sleep(ctx, d)
	}
	if !pace.Sleep(ctx, least) {
		return false
	}
	t := time.NewTimer(d - least)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-nudges:
	case <-t.C:
	}
	return true
}
