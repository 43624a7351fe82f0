package sweep

import (
	"context"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// maxLookRounds is how often one refresh asks for a range that one answer does not cover.
const maxProbeRounds = 8

// probes reads the log where a small lag stands still, to see whether it is work at all.
func (r *sweeping) probes(isolation lag.Position) *call {
	needs := r.needs()
	if !needs.Reads(isolation) || !needs.Wants(store.WantsProbes) {
		return nil
	}
	l := store.NewProbes(isolation)
	return begin(r, step[lag.Look, lag.Sight]{
		survey: func(s *store.Store, now store.Stamp, i int, id store.Stamp) {
			gt, wants := needs.At(i)
			if gt.Isolation() != isolation || wants&store.WantsProbes == 0 {
				return
			}
			if memo := &r.scope.noProbes[i]; !memo.holds(gt, now) {
				memo.note(s, gt, s.SurveyProbes(gt, l, id, now))
			}
		},
		claim: func(*store.Store, store.Stamp) ([]lag.Look, int) { return l.Asks(), len(l.Asks()) },
		ask: func(ctx context.Context, asks []lag.Look, deliver func([]lag.Sight)) {
			for round := 0; len(asks) > 0 && round < maxProbeRounds; round++ {
				var seen ProbeStats
				r.source.Inspect(ctx, isolation == lag.StableEnd, asks, func(sights []lag.Sight) {
					seen.count(sights)
					deliver(sights)
				})
				r.opts.Observer.Probed(seen)
				r.Write(func(*store.Store, store.Stamp) { asks = l.Next() })
			}
		},
		take: func(s *store.Store, now store.Stamp, _ *call, sight *lag.Sight) { s.TakeSight(sight, l, now) },
		miss: func(_ *store.Store, _ store.Stamp, _ *call, ask lag.Look) { l.Miss(ask) },
	})
}

func (seen *ProbeStats) count(sights []lag.Sight) {
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
