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
	r.compose = scope.compose
	late += w.await(ctx, r.list(), r.describe())
	w.awaitMatches(ctx, scope)
	late += w.await(ctx, r.commits())
	w.await(ctx, r.views())
	// The commits may have told of topics. Where they have not, nothing is asked here.
	late += w.await(ctx, r.list(), r.describe())
	late += w.await(ctx, r.ends(lag.End), r.ends(lag.StableEnd))
	late += w.await(ctx, r.highWatermarks())
	late += w.await(ctx, r.starts())
	w.await(ctx, r.probes(lag.End), r.probes(lag.StableEnd))
	w.await(ctx, r.ages())
	w.Write(func(s *store.Store, _ store.Stamp) { s.Publish() })
	w.waits.Swept()
	return late
}
