package lag

import (
	"errors"
	"time"
)

// AgeSearch finds the timestamp of the oldest unconsumed record of one partition by
// asking, as often as it takes, which is the first record at or after a time: that is all
// that Kafka's ListOffsets tells without reading records. It asks nothing itself, so that
// one request can carry the questions of many partitions:
//
//	for at, ok := s.Next(); ok; at, ok = s.Next() {
//		s.Answer(firstRecordSince(at))
//	}
//	found := s.Oldest(now)
//
// The answers never go back as the times go on, so a bracket closes on the commit:
// interpolated by the offsets every other time, which takes few questions where records
// arrive evenly, and halved every other time, which bounds them where they do not.
//
// An answer that names the very record is exact. Where none does, because records share a
// timestamp or the record at the commit is gone by compaction, the older end of the bracket
// is the answer and its width the accuracy. In a log whose timestamps are out of order, the
// answer can be too young by as much as the record is behind the newest one before it.
type AgeSearch struct {
	committed, target, logEnd int64
	accuracy                  int64

	// Times in milliseconds since 1970: the first record since low lies before target, the first one since
	// high does not. low is -1 as long as nothing is known.
	low, high int64
	// lowAt is the offset found for low; highAt that for high and highTime its record's timestamp.
	lowAt, highAt, highTime int64

	probe   int64
	asked   int
	resumed bool
	// now is what high is taken for, to guess with, as long as nothing was found for high.
	now     int64
	exact   bool
	failure error
}

// maxQuestions ends a search whose answers contradict each other. A bracket of a thousand years halves
// down to a millisecond in 45.
const maxQuestions = 100

// NewAgeSearch returns a search for the offsets of a partition that has lag. before is what was found for an
// earlier commit of the same log, or nil: it is where the search begins. accuracy is the width of the bracket
// that will do, at least a millisecond. The log start must be known where the commit is not.
func NewAgeSearch(o Offsets, before *Oldest, now time.Time, accuracy time.Duration) *AgeSearch {
	s := &AgeSearch{
		committed: o.Committed, target: max(o.Committed, o.LogStart, 0), logEnd: o.LogEnd,
		accuracy: max(1, accuracy.Milliseconds()),
		low:      -1, lowAt: max(0, o.LogStart), high: now.Add(clockSkew).UnixMilli() + 1, highAt: max(o.LogEnd, 0),
	}
	if o.Committed > o.LogEnd {
		s.target = max(0, o.LogStart)
	}
	s.highTime, s.now = s.high, now.UnixMilli()
	if before != nil && before.Err == nil && !before.Timestamp.IsZero() && before.Committed >= 0 && before.Committed < s.target {
		// It is no later than the record that was oldest then, so the first record since it lies before target.
		if low := before.Timestamp.UnixMilli(); low >= 0 && low < s.high {
			s.low, s.lowAt, s.resumed = low, before.Committed, true
		}
	}
	return s
}

// Next returns the next time to ask about, in milliseconds since 1970, and false where the search is over.
func (s *AgeSearch) Next() (at int64, ask bool) {
	if s.over() {
		return 0, false
	}
	s.probe = s.pick()
	return s.probe, true
}

func (s *AgeSearch) over() bool {
	if s.asked >= maxQuestions && !s.exact && s.failure == nil {
		s.failure = errors.New("its timestamps are too contradictory to search")
	}
	return s.exact || s.failure != nil || (s.low >= 0 && s.high-s.low <= s.accuracy)
}

// pick chooses a time strictly inside the bracket.
func (s *AgeSearch) pick() int64 {
	if s.low < 0 {
		return 0 // the oldest record of all, which is nearly always behind the commit
	}
	width := s.high - s.low
	at := s.low + width/2
	if between := s.highAt - s.lowAt; s.asked%2 == 0 && between > 0 {
		// In floats, because the product of an offset and a time does not fit 64 bits.
		if s.highTime > s.now && s.now > s.low {
			width = s.now - s.low
		}
		at = s.low + int64(float64(width)*(float64(s.target-s.lowAt)/float64(between)))
	}
	if s.resumed && s.asked == 1 {
		// Since the last search the commit has gone on about as fast as before, so the first guess is a good one: the
		// bracket is closed around it.
		if at = s.low + s.accuracy; s.high == s.probe {
			at = s.high - max(s.accuracy, (s.high-s.low)/8)
		}
	}
	return min(max(at, s.low+1), s.high-1)
}

// Answer takes in the answer to Next: the first record whose timestamp is at or after that time, its offset
// and its timestamp in milliseconds; -1 for the offset where there is none.
func (s *AgeSearch) Answer(offset, timestamp int64) {
	s.asked++
	switch {
	case offset == s.target:
		s.exact, s.low, s.high, s.highTime = true, timestamp, timestamp, timestamp
	case offset < 0:
		s.high, s.highAt, s.highTime = s.probe, max(s.logEnd, s.target), s.probe
	case offset > s.target:
		s.high, s.highAt, s.highTime = s.probe, offset, max(s.probe, timestamp)
	case timestamp >= s.high:
		s.failure = errors.New("a record before it has a later timestamp than now: a producer's clock is wrong")
	default:
		s.low, s.lowAt = max(s.probe, timestamp), offset
	}
	if s.low < 0 && !s.exact && s.probe == 0 {
		// Nothing is older than the commit, or nothing has a timestamp.
		s.firstOfAll(offset, timestamp)
	}
}

// firstOfAll ends a search whose very first answer lies behind the commit: it is the oldest record there is.
func (s *AgeSearch) firstOfAll(offset, timestamp int64) {
	switch {
	case s.failure != nil:
	case offset < 0:
		s.failure = errors.New("no record of the partition has a timestamp")
	default:
		s.exact, s.low, s.high, s.highTime = true, timestamp, timestamp, timestamp
	}
}

// Fail ends the search with the reason why a question was not answered.
func (s *AgeSearch) Fail(err error) { s.failure = err }

// Oldest returns what was found, as known at now. The search must be over, by Next or by Fail.
func (s *AgeSearch) Oldest(now time.Time) *Oldest {
	o := &Oldest{Committed: s.committed, ObservedAt: now, Err: s.failure}
	if s.failure != nil {
		return o
	}
	o.Timestamp = time.UnixMilli(s.low)
	o.Accuracy = time.Duration(max(0, max(s.high, s.highTime)-s.low)) * time.Millisecond
	return o
}
