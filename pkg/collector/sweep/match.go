package sweep

import (
	"context"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
)

const (
	// matchSlice is how long one expression is matched before it is the next one's turn: one that takes long
	// delays its own queries.
	matchSlice = 2 * time.Millisecond
	// matchGrace is how long a sweep waits for the expressions of its queries to be matched. Most take less than a
	// millisecond for a thousand names.
	matchGrace = 50 * time.Millisecond
)

// awaitMatches gives the expressions of the scope's queries a moment, once each.
func (w *Sweeper) awaitMatches(ctx context.Context, scope *Scope) {
	var matching []<-chan struct{}
	w.Write(func(s *store.Store, now store.Stamp) {
		scope.compose(s, now)
		matching = scope.union.Matching()
	})
	if len(matching) == 0 {
		return
	}
	grace := time.NewTimer(matchGrace)
	defer grace.Stop()
	for _, done := range matching {
		select {
		case <-done:
		case <-grace.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// MatchTopics matches expressions with the names of topics until ctx ends, each for a moment in turn.
func (w *Sweeper) MatchTopics(ctx context.Context) {
	turn := pace.New().Of(ctx)
	turn.Begin()
	defer turn.End()
	var jobs []*store.Match
	w.Write(func(s *store.Store, _ store.Stamp) { jobs = s.Rematch() })
	for ctx.Err() == nil {
		w.Write(func(s *store.Store, _ store.Stamp) { jobs = append(jobs, s.Unmatched()...) })
		if len(jobs) == 0 {
			turn.Wait(func() {
				select {
				case <-ctx.Done():
				case <-w.match:
				}
			})
			continue
		}
		open := jobs[:0]
		done := make([]*store.Match, 0, len(jobs))
		for _, job := range jobs {
			began := time.Now()
			step := func() { job.Step(func() bool { return time.Since(began) >= matchSlice }) }
			// A panic must not have the others matched from the start again and again.
			if !w.Guard("topicRegex", step) || job.Over() {
				done = append(done, job)
			} else {
				open = append(open, job)
			}
			turn.Pause()
			if ctx.Err() != nil {
				return
			}
		}
		clear(jobs[len(open):])
		jobs = open
		w.Write(func(s *store.Store, _ store.Stamp) { s.TakeMatches(done) })
	}
}
