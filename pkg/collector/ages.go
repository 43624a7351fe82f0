package collector

import (
	"context"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// TimeSource is a [Source] that can also look records up by their timestamps.
// pkg/kafka's Client is one.
type TimeSource interface {
	// OffsetsForTimes delivers, as the methods of Source do, for each partition the offset and the timestamp
	// of the first record at or after a time in milliseconds since 1970; -1 where there is none.
	OffsetsForTimes(ctx context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset))
}

const (
	// ageAccuracy is how exact an age has to be.
	ageAccuracy = time.Second
	// roundsAgain is how often a refresh asks about a partition whose age was known before, and roundsFirst
	// about one whose was not. A round is one request a leader. What is not exact after that is too old
	// rather than too young, and better with the next refresh.
	roundsAgain = 2
	roundsFirst = 20
	// manyAges is with how many lagging partitions that holds. With fewer, all have as many rounds as it takes.
	manyAges = 1000
)

// age is what is known of the oldest unconsumed record of a partition.
type age struct {
	// target is the first offset at which it can be, and oldest what was found for it; nil for nothing yet.
	target int64
	oldest *lag.Oldest
	// final says that the search for it has ended by itself: asking more would tell nothing more. Otherwise
	// search is where it goes on, in the next refresh.
	final  bool
	search *lag.AgeSearch
	// failed is why the newest search failed; nil if it did not.
	failed *lag.Oldest
	// pending is the call that searches.
	pending stamp
}

// hasAge reports whether there may be records left whose age can be looked up.
func hasAge(o *lag.Offsets) bool {
	switch {
	case o.LogEnd < 0 || o.ObservedAt.IsZero():
		return false
	case o.Committed < 0 || o.Committed > o.LogEnd:
		return o.LogStart >= 0 && o.LogStart < o.LogEnd
	default:
		return o.Committed < o.LogEnd && o.LogStart < o.LogEnd
	}
}

// forgetEarlier makes the offsets those of a group without a commit where that is of an earlier log: its consumers
// will begin anew.
func forgetEarlier(o *lag.Offsets) {
	if o.CommitOfEarlierLog {
		o.Committed, o.CommitOfEarlierLog = lag.NoCommit, false
	}
}

// firstOffset is where the oldest unconsumed record can be at first.
func firstOffset(o *lag.Offsets) int64 {
	if o.Committed > o.LogEnd {
		return o.LogStart
	}
	return max(o.Committed, o.LogStart)
}

// lacksAge reports whether the age of the partition is still to be found.
func (tr *tracked) lacksAge(o lag.Offsets) bool {
	forgetEarlier(&o)
	return o.Oldest == nil && hasAge(&o) && tr.ageTarget(&o) < o.LogEnd
}

func (c *Collector) agesAble() bool {
	_, able := c.source.(TimeSource)
	return able
}

// oldest is what is known of the partition's oldest unconsumed record; nil for nothing. A record does not
// change: as long as the commit is the one that it was found for, it is as fresh as the commit.
func (tr *tracked) oldest(id int32, o lag.Offsets) *lag.Oldest {
	forgetEarlier(&o)
	a := tr.ages[id]
	if a == nil || tr.life != tr.topic.life {
		return nil
	}
	if a.oldest == nil {
		return a.failed
	}
	if a.oldest.Committed != o.Committed || !o.ObservedAt.After(a.oldest.ObservedAt) {
		return a.oldest
	}
	fresh := *a.oldest
	fresh.ObservedAt = o.ObservedAt
	return &fresh
}

// ageSearch is a search under way.
type ageSearch struct {
	*lag.AgeSearch
	tr     *tracked
	age    *age
	target int64
	// rounds is how often it may ask, and answered how often it was answered.
	rounds, answered int
}

// ages looks up how old the oldest unconsumed records are, of those partitions
// where that is asked for and may have changed: all partitions in each request, and
// as many rounds of requests as it takes.
func (c *Collector) ages(s *scope) step[lag.TopicPartition, lag.TopicPartition] {
	source, able := c.source.(TimeSource)
	now := time.Now()
	searches := map[lag.TopicPartition]*ageSearch{}
	all := 0
	var stats AgeStats
	take := func(cl *call, tp *lag.TopicPartition) {
		cl.owed--
		if c.takeAge(tp.Partition, searches[*tp], cl.id, time.Now()) {
			stats.Found++
		} else {
			stats.Unknown++
		}
	}
	search := step[lag.TopicPartition, lag.TopicPartition]{
		claim: func(stamp) (due []lag.TopicPartition, owed int) {
			for tp, search := range searches {
				due = append(due, tp)
				if all <= manyAges {
					search.rounds = roundsFirst
				}
			}
			return due, len(due)
		},
		ask: func(ctx context.Context, due []lag.TopicPartition, deliver func([]lag.TopicPartition)) {
			for ask(ctx, source, searches, stats.Rounds) {
				stats.Rounds++
			}
			deliver(due)
			c.opts.Observer.AgesSearched(stats)
		},
		take: take,
		miss: func(cl *call, tp lag.TopicPartition) {
			if searches[tp].age.pending == cl.id {
				take(cl, &tp)
			}
		},
	}
	if able {
		search.survey = func(i int, id stamp) {
			if s.wants[i]&wantsAges != 0 {
				c.collectAges(s.tracked[i], id, now, searches)
				all += len(s.tracked[i].ages)
			}
		}
	}
	return search
}

// ask makes one round of requests and reports whether there was anything left to ask.
func ask(ctx context.Context, source TimeSource, searches map[lag.TopicPartition]*ageSearch, round int) bool {
	times := make(map[lag.TopicPartition]int64, len(searches))
	for tp, s := range searches {
		if round >= s.rounds || ctx.Err() != nil {
			continue
		}
		if at, more := s.Next(); more {
			times[tp] = at
		}
	}
	if len(times) == 0 {
		return false
	}
	source.OffsetsForTimes(ctx, times, func(answers []lag.LogOffset) {
		for i := range answers {
			s := searches[answers[i].TopicPartition]
			switch err := answers[i].Err; {
			case s == nil:
			case err != nil:
				s.Fail(err)
			default:
				s.answered++
				s.Answer(answers[i].Offset, answers[i].Timestamp)
			}
		}
	})
	return true
}

// collectAges adds the partitions whose oldest record may be another one than before. The caller holds mu.
func (c *Collector) collectAges(tr *tracked, id stamp, now time.Time, searches map[lag.TopicPartition]*ageSearch) {
	tr.fit()
	if tr.ages == nil {
		tr.ages = map[int32]*age{}
	}
	for _, partition := range tr.topic.ids {
		o, _ := c.offsets(tr.group, tr, partition)
		forgetEarlier(&o)
		if !hasAge(&o) {
			delete(tr.ages, partition)
			continue
		}
		target := tr.ageTarget(&o)
		if target >= o.LogEnd {
			continue
		}
		a := tr.ages[partition]
		if a == nil {
			a = &age{}
			tr.ages[partition] = a
		}
		_, other := searches[o.TopicPartition] // another group in the same log has to wait
		if a.known(&o, target) || other || a.pending != 0 {
			continue
		}
		a.pending = id
		tr.searching++
		searches[o.TopicPartition] = newAgeSearch(tr, a, o, target, now)
	}
}

// ageTarget is the first offset at which the oldest unconsumed record can be.
func (tr *tracked) ageTarget(o *lag.Offsets) int64 {
	target := firstOffset(o)
	if l := tr.looks[o.Partition]; l != nil && l.committed == o.Committed {
		// No record was seen up to there, and markers have timestamps of their own.
		target = max(target, l.clear)
	}
	return target
}

// known reports whether there is nothing to search.
func (a *age) known(o *lag.Offsets, target int64) bool {
	return a.oldest != nil && a.target == target && a.oldest.Committed == o.Committed && a.final
}

func newAgeSearch(tr *tracked, a *age, o lag.Offsets, target int64, now time.Time) *ageSearch {
	s := &ageSearch{tr: tr, age: a, target: target, rounds: roundsFirst}
	if a.oldest != nil {
		s.rounds = roundsAgain
	}
	if a.oldest != nil && a.search != nil && a.target == target && a.oldest.Committed == o.Committed {
		s.AgeSearch = a.search
		return s
	}
	if target != o.Committed {
		o.LogStart = max(o.LogStart, target)
	}
	s.AgeSearch = lag.NewAgeSearch(o, a.oldest, now, ageAccuracy)
	return s
}

// takeAge takes in what a search has found, and reports whether that is an age. The caller holds mu.
func (c *Collector) takeAge(partition int32, s *ageSearch, call stamp, now time.Time) bool {
	s.tr.searching--
	_, more := s.Next()
	if more && s.answered == 0 {
		s.Fail(errNoAnswer)
	}
	found := s.Oldest(now)
	a := s.age
	if a.pending != call {
		return found.Err == nil
	}
	a.pending = 0
	if s.tr.ages[partition] != a {
		return found.Err == nil
	}
	c.note(&s.tr.group.seq, true)
	if found.Err != nil {
		// What was found before stands for as long as it is young enough.
		a.search = nil
		if a.failed = found; a.oldest != nil && now.Sub(a.oldest.ObservedAt) > time.Minute {
			a.oldest = nil
		}
		return false
	}
	a.target, a.oldest, a.final, a.failed, a.search = s.target, found, !more, nil, nil
	if more {
		a.search = s.AgeSearch
	}
	return true
}
