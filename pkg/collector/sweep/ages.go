package sweep

import (
	"context"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// ages looks up how old the oldest unconsumed records are, of those partitions
// where that is asked for and may have changed: all partitions in each request, and
// as many rounds of requests as it takes.
func (r *sweeping) ages() *call {
	needs := r.needs()
	if !needs.Wants(store.WantsAges) {
		return nil
	}
	ages := store.NewAges()
	var stats AgeStats
	take := func(s *store.Store, now store.Stamp, cl *call, tp *lag.TopicPartition) {
		cl.owed--
		if s.TakeAge(*tp, ages, now) {
			stats.Found++
		} else {
			stats.Unknown++
		}
	}
	return begin(r, step[lag.TopicPartition, lag.TopicPartition]{
		survey: func(s *store.Store, now store.Stamp, i int, id store.Stamp) {
			if gt, wants := needs.At(i); wants&store.WantsAges != 0 {
				s.SurveyAges(gt, ages, id, now)
			}
		},
		claim: func(*store.Store, store.Stamp) ([]lag.TopicPartition, int) {
			due := ages.Due()
			return due, len(due)
		},
		ask: func(ctx context.Context, due []lag.TopicPartition, deliver func([]lag.TopicPartition)) {
			for ctx.Err() == nil {
				times := ages.Next(stats.Rounds)
				if len(times) == 0 {
					break
				}
				r.source.OffsetsForTimes(ctx, times, ages.Answer)
				stats.Rounds++
			}
			deliver(due)
			r.opts.Observer.AgesSearched(stats)
		},
		take: take,
		miss: func(s *store.Store, now store.Stamp, cl *call, tp lag.TopicPartition) {
			if ages.Owes(tp) {
				take(s, now, cl, &tp)
			}
		},
	})
}
