package sweep

import (
	"context"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// commits reads the commits of the scope's groups, but for those that an earlier call still owes.
func (r *sweeping) commits() *call {
	needs := r.needs()
	return begin(r, step[lag.GroupTopics, lag.GroupCommits]{
		claim: func(s *store.Store, id store.Stamp) ([]lag.GroupTopics, int) {
			asks := s.ClaimCommits(needs, id)
			return asks, len(asks)
		},
		ask: r.source.Commits,
		take: func(s *store.Store, now store.Stamp, cl *call, answer *lag.GroupCommits) {
			r.noteAnswer(answer.Err)
			if s.TakeCommits(*answer, cl.id, now, cl.late) {
				cl.owed--
			}
		},
		miss: func(s *store.Store, now store.Stamp, cl *call, ask lag.GroupTopics) {
			s.TakeCommits(lag.GroupCommits{Group: ask.Group, Err: noAnswer("read the commits of group", ask.Group)}, cl.id, now, false)
		},
	})
}

// views asks about the groups whose topics are discovered, where that is due: what their
// members subscribe to counts too, and what they have given up stops counting some day.
func (r *sweeping) views() *call {
	needs := r.needs()
	if !needs.Discovers() {
		return nil
	}
	take := func(s *store.Store, now store.Stamp, cl *call, v *lag.GroupView) {
		if s.TakeView(v, cl.id, now) {
			cl.owed--
		}
	}
	return begin(r, step[string, lag.GroupView]{
		claim: func(s *store.Store, id store.Stamp) ([]string, int) {
			due := s.ClaimViews(needs, id)
			return due, len(due)
		},
		ask: func(ctx context.Context, groups []string, deliver func([]lag.GroupView)) {
			// One after the other: a group is one request or two, and rarely asked about.
			for _, name := range groups {
				deliver([]lag.GroupView{r.source.GroupView(ctx, name)})
			}
		},
		take: take,
		miss: func(s *store.Store, now store.Stamp, cl *call, name string) {
			take(s, now, cl, &lag.GroupView{Group: lag.Group{Name: name, Err: store.ErrNoAnswer}})
		},
	})
}
