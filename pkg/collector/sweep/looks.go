package sweep

import (
	"context"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// maxLookRounds is how often a range is asked for in one refresh that is not seen at once.
const maxLookRounds = 8

// looks looks into the logs where a small lag stands still: whether it is work at all.
func (r *sweeping) looks(kind lag.Position) *call {
	needs := r.needs()
	if !needs.Reads(kind) || !needs.Wants(store.WantsLooks) {
		return nil
	}
	l := store.NewLooks(kind)
	return begin(r, step[lag.Look, lag.Sight]{
		survey: func(s *store.Store, now store.Stamp, i int, id store.Stamp) {
			tr, wants := needs.At(i)
			if tr.Kind() != kind || wants&store.WantsLooks == 0 {
				return
			}
			if lull := &r.scope.noLooks[i]; !lull.lasts(tr, now) {
				lull.begin(s, tr, s.SurveyLooks(tr, l, id, now))
			}
		},
		claim: func(*store.Store, store.Stamp) ([]lag.Look, int) { return l.Asks(), len(l.Asks()) },
		ask: func(ctx context.Context, asks []lag.Look, deliver func([]lag.Sight)) {
			for round := 0; len(asks) > 0 && round < maxLookRounds; round++ {
				var seen LookStats
				r.source.Inspect(ctx, kind == lag.StableEnd, asks, func(sights []lag.Sight) {
					seen.count(sights)
					deliver(sights)
				})
				r.opts.Observer.Looked(seen)
				r.Write(func(*store.Store, store.Stamp) { asks = l.Next() })
			}
		},
		take: func(s *store.Store, now store.Stamp, _ *call, sight *lag.Sight) { s.TakeSight(sight, l, now) },
		miss: func(_ *store.Store, _ store.Stamp, _ *call, ask lag.Look) { l.Miss(ask) },
	})
}

func (seen *LookStats) count(sights []lag.Sight) {
	for i := range sights {
		switch s := &sights[i]; {
		case s.Err != nil:
			seen.Failed++
		case s.Empty:
			seen.Empty++
		case s.Record:
			seen.Records++
		default:
			seen.Unclear++
		}
	}
}
