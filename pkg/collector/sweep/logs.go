package sweep

import (
	"context"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// ends reads the log ends of the scope's partitions, for readers of one isolation level.
func (r *sweeping) ends(at lag.Position) *call {
	needs := r.needs()
	if !needs.Reads(at) {
		return nil
	}
	read := r.logs(at)
	read.claim = func(_ *store.Store, id store.Stamp) ([]lag.TopicPartitions, int) { return needs.Ends(at).Claim(at, id) }
	return begin(r, read)
}

// highWatermarks reads the high watermarks that lag depends on. They are asked
// for when the last stable offsets have been received, so that none is older.
func (r *sweeping) highWatermarks() *call {
	needs := r.needs()
	if !needs.Reads(lag.StableEnd) {
		return nil
	}
	read := r.logs(lag.End)
	read.claim = func(_ *store.Store, id store.Stamp) ([]lag.TopicPartitions, int) {
		var due store.LogScope
		for i := range needs.Len() {
			gt, _ := needs.At(i)
			gt.SurveyHighWatermarks(&due)
		}
		return due.Claim(lag.End, id)
	}
	return begin(r, read)
}

// starts reads the log starts that lag depends on and that are due. On the
// way, it brings up to date since when each commit stands still.
func (r *sweeping) starts() *call {
	needs := r.needs()
	var due store.LogScope
	read := r.logs(lag.Start)
	read.survey = func(s *store.Store, now store.Stamp, i int, _ store.Stamp) {
		gt, _ := needs.At(i)
		if memo := &r.scope.noStarts[i]; !memo.holds(gt, now) {
			memo.note(s, gt, s.SurveyStarts(gt, &due, now))
		}
	}
	read.claim = func(_ *store.Store, id store.Stamp) ([]lag.TopicPartitions, int) { return due.Claim(lag.Start, id) }
	return begin(r, read)
}

// logs reads one position of partitions that are still to be claimed.
func (r *sweeping) logs(at lag.Position) step[lag.TopicPartitions, lag.LogOffset] {
	var t *store.Topic // that of the answer before, and most often of the next
	take := func(s *store.Store, cl *call, o *lag.LogOffset) {
		if t == nil || t.Name() != o.Topic {
			t = s.Topic(o.Topic)
		}
		taken, shrunk := s.TakeLog(t, *o, at, cl.id, cl.late)
		if taken {
			cl.owed--
		}
		if shrunk {
			r.waits.Nudge() // those who sleep would wait long for the next refresh
		}
	}
	return step[lag.TopicPartitions, lag.LogOffset]{
		ask: func(ctx context.Context, asks []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
			r.source.LogOffsets(ctx, at, asks, deliver)
		},
		take: func(s *store.Store, _ store.Stamp, cl *call, answer *lag.LogOffset) {
			r.noteAnswer(answer.Err)
			take(s, cl, answer)
		},
		miss: func(s *store.Store, _ store.Stamp, cl *call, ask lag.TopicPartitions) {
			for _, p := range ask.Partitions {
				take(s, cl, &lag.LogOffset{TopicPartition: lag.TopicPartition{Topic: ask.Topic, Partition: p}, Err: store.ErrNoAnswer})
			}
		},
	}
}
