package sweep

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// catalog is a list of all topics, or why there is none.
type catalog struct {
	topics []lag.Topic
	err    error
}

// list asks for the list of all topics, where a query needs it.
func (r *sweeping) list() *call {
	if !r.needs().Lists() {
		return nil
	}
	take := func(s *store.Store, cl *call, answer *catalog) {
		if s.TakeCatalog(answer.topics, answer.err, cl.id) {
			cl.owed = 0
			r.noteAnswer(answer.err)
		}
	}
	return begin(r, step[struct{}, catalog]{
		claim: func(s *store.Store, id store.Stamp) ([]struct{}, int) {
			if s.ClaimCatalog(r.scope.union, r.scope.began, id) {
				return make([]struct{}, 1), 1
			}
			return nil, 0
		},
		ask: func(ctx context.Context, _ []struct{}, deliver func([]catalog)) {
			topics, err := r.source.Topics(ctx, nil)
			deliver([]catalog{{listed(topics), err}})
		},
		take: func(s *store.Store, _ store.Stamp, cl *call, answer *catalog) { take(s, cl, answer) },
		miss: func(s *store.Store, _ store.Stamp, cl *call, _ struct{}) {
			take(s, cl, &catalog{err: noAnswer("list the topics of", r.opts.Cluster)})
		},
	})
}

// listed returns the topics that could be described, by name.
func listed(topics []lag.Topic) []lag.Topic {
	good := make([]lag.Topic, 0, len(topics))
	for _, t := range topics {
		if t.Err == nil {
			good = append(good, t)
		}
	}
	slices.SortFunc(good, func(a, b lag.Topic) int { return strings.Compare(a.Name, b.Name) })
	return good
}

// describe asks which partitions the scope's topics have, where that is not known or
// not known lately.
func (r *sweeping) describe() *call {
	needs := r.needs()
	take := func(s *store.Store, _ store.Stamp, cl *call, d *lag.Topic) {
		if s.TakeTopic(d, cl.id) {
			cl.owed--
			r.noteAnswer(d.Err)
		}
	}
	return begin(r, step[string, lag.Topic]{
		claim: func(s *store.Store, id store.Stamp) ([]string, int) {
			names := s.ClaimTopics(needs, r.scope.began, id)
			return names, len(names)
		},
		ask: func(ctx context.Context, names []string, deliver func([]lag.Topic)) {
			topics, err := r.source.Topics(ctx, names)
			if err != nil {
				topics = make([]lag.Topic, len(names))
				for i, name := range names {
					topics[i] = lag.Topic{Name: name, Err: err}
				}
			}
			deliver(topics)
		},
		take: take,
		miss: func(s *store.Store, now store.Stamp, cl *call, name string) {
			take(s, now, cl, &lag.Topic{Name: name, Err: noAnswer("describe topic", name)})
		},
	})
}

// noAnswer is the failure of what a call of the source left out, against its contract.
func noAnswer(op, name string) error {
	return &fault.Error{
		Kind: fault.Internal, Op: op, Object: fmt.Sprintf("%q", name), Err: store.ErrNoAnswer,
		Remedy: "report this as a defect",
	}
}
