package store

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

const (
	// ageAccuracy is how exact an age has to be.
	ageAccuracy = time.Second
	// RoundsAgain is how often a refresh asks about a partition whose age was known before, and roundsFirst
	// about one whose was not. A round is one request a leader. What is not exact after that is too old
	// rather than too young, and better with the next refresh.
	RoundsAgain = 2
	roundsFirst = 20
	// ManyAges is with how many lagging partitions that holds. With fewer, all have as many rounds as it takes.
	ManyAges = 1000
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
	pending Stamp
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
// will start over.
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
func (gt *GroupTopic) lacksAge(o lag.Offsets) bool {
	forgetEarlier(&o)
	return o.Oldest == nil && hasAge(&o) && gt.ageTarget(&o) < o.LogEnd
}

// oldest is what is known of the partition's oldest unconsumed record; nil for nothing. A record does not
// change: as long as the commit is the one that it was found for, it is as fresh as the commit.
func (gt *GroupTopic) oldest(id int32, o lag.Offsets) *lag.Oldest {
	forgetEarlier(&o)
	a := gt.ages[id]
	if a == nil || gt.incarnation != gt.topic.incarnation {
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
	gt     *GroupTopic
	age    *age
	target int64
	// rounds is how often it may ask, and answered how often it was answered.
	rounds, answered int
}

// Ages are the searches of one call for the ages of records. Between being surveyed and
// being taken in, they belong to the call alone.
type Ages struct {
	id       Stamp
	searches map[lag.TopicPartition]*ageSearch
	// all is how many partitions of those surveyed have an age.
	all int
}

// NewAges returns the searches of a call that are still to be surveyed.
func NewAges() *Ages { return &Ages{searches: map[lag.TopicPartition]*ageSearch{}} }

// Due are the partitions that there is a search for.
func (due *Ages) Due() (partitions []lag.TopicPartition) {
	for tp, search := range due.searches {
		partitions = append(partitions, tp)
		if due.all <= ManyAges {
			search.rounds = roundsFirst
		}
	}
	return partitions
}

// Next returns the times, in milliseconds since 1970, that a round of requests is to look up.
func (due *Ages) Next(round int) map[lag.TopicPartition]int64 {
	times := make(map[lag.TopicPartition]int64, len(due.searches))
	for tp, search := range due.searches {
		if round >= search.rounds {
			continue
		}
		if at, more := search.Next(); more {
			times[tp] = at
		}
	}
	return times
}

// Answer takes in the answers of a round.
func (due *Ages) Answer(answers []lag.LogOffset) {
	for i := range answers {
		search := due.searches[answers[i].TopicPartition]
		switch err := answers[i].Err; {
		case search == nil:
		case err != nil:
			search.Fail(err)
		default:
			search.answered++
			search.Answer(answers[i].Offset, answers[i].Timestamp)
		}
	}
}

// Owes reports whether the partition's search has not been taken in.
func (due *Ages) Owes(tp lag.TopicPartition) bool { return due.searches[tp].age.pending == due.id }

// SurveyAges adds to due, for the call, the partitions whose oldest record may be another one than before.
func (s *Store) SurveyAges(gt *GroupTopic, due *Ages, id, now Stamp) {
	due.id = id
	gt.fit()
	if gt.ages == nil {
		gt.ages = map[int32]*age{}
	}
	for _, partition := range gt.topic.ids {
		o, _ := s.offsets(gt.group, gt, partition)
		forgetEarlier(&o)
		if !hasAge(&o) {
			delete(gt.ages, partition)
			continue
		}
		target := gt.ageTarget(&o)
		if target >= o.LogEnd {
			continue
		}
		a := gt.ages[partition]
		if a == nil {
			a = &age{}
			gt.ages[partition] = a
		}
		_, other := due.searches[o.TopicPartition] // another group in the same log has to wait
		if a.known(&o, target) || other || a.pending != 0 {
			continue
		}
		a.pending = id
		gt.searching++
		due.searches[o.TopicPartition] = newAgeSearch(gt, a, o, target, s.Time(now))
	}
	due.all += len(gt.ages)
}

// ageTarget is the first offset at which the oldest unconsumed record can be.
func (gt *GroupTopic) ageTarget(o *lag.Offsets) int64 {
	target := firstOffset(o)
	if l := gt.probes[o.Partition]; l != nil && l.committed == o.Committed {
		// No record was seen up to there, and markers have timestamps of their own.
		target = max(target, l.clear)
	}
	return target
}

// known reports whether there is nothing to search.
func (a *age) known(o *lag.Offsets, target int64) bool {
	return a.oldest != nil && a.target == target && a.oldest.Committed == o.Committed && a.final
}

func newAgeSearch(gt *GroupTopic, a *age, o lag.Offsets, target int64, now time.Time) *ageSearch {
	s := &ageSearch{gt: gt, age: a, target: target, rounds: roundsFirst}
	if a.oldest != nil {
		s.rounds = RoundsAgain
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

// TakeAge takes in what a search has found, and reports whether that is an age.
func (s *Store) TakeAge(tp lag.TopicPartition, from *Ages, stamp Stamp) bool {
	search, now := from.searches[tp], s.Time(stamp)
	search.gt.searching--
	_, more := search.Next()
	if more && search.answered == 0 {
		search.Fail(ErrNoAnswer)
	}
	found := search.Oldest(now)
	a := search.age
	if a.pending != from.id {
		return found.Err == nil
	}
	a.pending = 0
	if search.gt.ages[tp.Partition] != a {
		return found.Err == nil
	}
	s.note(&search.gt.group.seq, true)
	if found.Err != nil {
		// What was found before stands for as long as it is young enough.
		a.search = nil
		if a.failed = found; a.oldest != nil && now.Sub(a.oldest.ObservedAt) > time.Minute {
			a.oldest = nil
		}
		return false
	}
	a.target, a.oldest, a.final, a.failed, a.search = search.target, found, !more, nil, nil
	if more {
		a.search = search.AgeSearch
	}
	return true
}
