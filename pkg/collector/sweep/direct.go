package sweep

import (
	"context"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
)

// directSpacing is the least time between the starts of two direct reads. Queries
// that come in between share the next one: ten thousand triggers that are
// new within a second make ten direct reads.
const directSpacing = 100 * time.Millisecond

// newcomer is a query whose direct read has not ended.
type newcomer struct {
	*store.Subscription
	// due is when the direct read is over even if an answer is still missing.
	due store.Stamp
	// tried is set once a direct read has asked for it.
	tried bool
}

// ReadDirectly makes the direct reads, one at a time, until ctx ends.
func (w *Sweeper) ReadDirectly(ctx context.Context) {
	var open []*newcomer
	var began time.Time
	for {
		for _, q := range w.queries.New() {
			open = append(open, &newcomer{Subscription: q.Subscription, due: q.Came + store.Stamp(w.opts.FirstReadTimeout)})
		}
		if ask := w.unread(open); len(ask) > 0 {
			began = time.Now()
			w.Sweep(ctx, NewScope(ask), w.opts.FirstReadTimeout)
			w.opts.Observer.DirectRead(time.Since(began), len(ask))
		}
		var left time.Duration
		open, left = w.settleRead(open)
		if !w.sleepUntilNews(ctx, len(open) > 0, left) || !pace.Sleep(ctx, directSpacing-time.Since(began)) {
			return
		}
	}
}

// sleepUntilNews waits until there is a new query or, where some are open, another
// publication or the end of the time that is left. It returns false if ctx ends.
func (w *Sweeper) sleepUntilNews(ctx context.Context, open bool, left time.Duration) bool {
	var due <-chan time.Time
	var published <-chan struct{}
	if open {
		published = w.published
		timer := time.NewTimer(left)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-w.fresh:
	case <-published:
	case <-due:
	}
	return true
}

// unread returns the open queries that there is something to ask for. One for
// which an answer is still on its way is not among them.
func (w *Sweeper) unread(open []*newcomer) (ask []*store.Subscription) {
	// What is published from here on is news.
	select {
	case <-w.published:
	default:
	}
	w.Read(func(s *store.Store, _ store.Stamp) {
		for _, q := range open {
			if !q.tried || s.Progress(q.Subscription) == store.Unasked {
				q.tried = true
				ask = append(ask, q.Subscription)
			}
		}
	})
	return ask
}

// settleRead settles the queries whose direct read has ended, and returns the others and how much time is left for
// the first of them.
func (w *Sweeper) settleRead(open []*newcomer) (rest []*newcomer, left time.Duration) {
	left = w.opts.FirstReadTimeout
	w.Write(func(s *store.Store, now store.Stamp) {
		for _, q := range open {
			if q.due <= now || s.Progress(q.Subscription) == store.Arrived || s.Complete(q.Subscription) {
				w.queries.Settle(q.Subscription)
				s.NeedsChanged()
				signal(w.awake)
			} else {
				rest = append(rest, q)
				left = min(left, time.Duration(q.due-now))
			}
		}
	})
	return rest, left
}
