package sweep

import (
	"context"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Sweep reads everything in the scope once and publishes it. It returns how much
// had not been answered by then: each step waits for slow brokers for a grace only,
// and what they owe is taken in when it comes.
//
// The order matters. A log end is only ever compared with a commit that had been
// received before the log end was asked for.
func (w *Sweeper) Sweep(ctx context.Context, scope *Scope, timeout time.Duration) (late int) {
	w.Write(func(s *store.Store, now store.Stamp) { scope.began = s.Tick(now) })
	r := &sweeping{Sweeper: w, ctx: ctx, scope: scope, timeout: timeout}
	r.compose = func(s *store.Store, now store.Stamp) {
		scope.compose(s, now)
		r.id = s.Tick(now)
	}
	late += w.await(ctx, begin(r, r.list()), begin(r, r.describe()))
	w.awaitMatches(ctx, scope)
	late += w.await(ctx, begin(r, r.commits()))
	w.await(ctx, begin(r, r.views()))
	// The commits may have told of topics. Where they have not, nothing is asked here.
	late += w.await(ctx, begin(r, r.list()), begin(r, r.describe()))
	late += w.await(ctx, begin(r, r.ends(lag.End)), begin(r, r.ends(lag.StableEnd)))
	late += w.await(ctx, begin(r, r.highWatermarks()))
	late += w.await(ctx, begin(r, r.starts()))
	w.await(ctx, begin(r, r.looks(lag.End)), begin(r, r.looks(lag.StableEnd)))
	w.await(ctx, begin(r, r.ages()))
	w.Write(func(s *store.Store, _ store.Stamp) { s.Publish() })
	w.waits.Swept()
	return late
}
