package lag_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// stamped is a record of a log: its offset and its timestamp in milliseconds.
type stamped struct{ offset, at int64 }

// firstSince answers as a broker does: Apache Kafka's ListOffsets with a timestamp.
func firstSince(log []stamped, at int64) (offset, timestamp int64) {
	for _, r := range log {
		if r.at >= at {
			return r.offset, r.at
		}
	}
	return -1, -1
}

// search runs a search to its end and returns what it found and how often it asked.
func search(t interface{ Fatalf(string, ...any) }, s *lag.AgeSearch, log []stamped) (*lag.Oldest, int) {
	questions := 0
	for at, ok := s.Next(); ok; at, ok = s.Next() {
		if questions++; questions > 200 {
			t.Fatalf("no end in sight")
		}
		s.Answer(firstSince(log, at))
	}
	return s.Oldest(now), questions
}

// anyLog draws a log up to now, in the order of time but for what jitter allows, with gaps
// in the offsets as compaction and transaction markers leave them.
func anyLog(t *rapid.T, jitter int64) (log []stamped, end int64) {
	at := now.Add(-time.Duration(rapid.Int64Range(1, 100*3600).Draw(t, "log's age in seconds")) * time.Second).UnixMilli()
	offset := rapid.Int64Range(0, 1000).Draw(t, "log start")
	step := rapid.SampledFrom([]int64{0, 1, 1000, 3_600_000}).Draw(t, "largest pause")
	for range rapid.IntRange(1, 60).Draw(t, "records") {
		at = min(at+rapid.Int64Range(0, step).Draw(t, "pause"), now.UnixMilli())
		log = append(log, stamped{offset, at - rapid.Int64Range(0, jitter).Draw(t, "late")})
		offset += 1 + rapid.SampledFrom([]int64{0, 0, 0, 1, 50}).Draw(t, "gap")
	}
	return log, offset
}

// The slow and obvious way is to read the record. The search is never younger than that,
// but for what is out of order, never further off than it says, and soon done.
func TestAgeSearchEqualsReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		jitter := rapid.SampledFrom([]int64{0, 0, 5000}).Draw(t, "jitter")
		log, end := anyLog(t, jitter)
		committed := rapid.Int64Range(log[0].offset-2, end-1).Draw(t, "committed")
		o := lag.Offsets{Committed: max(lag.NoCommit, committed), LogStart: log[0].offset, LogEnd: end}
		accuracy := rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute}).Draw(t, "accuracy")

		var truth *stamped
		for i := range log {
			if log[i].offset >= committed {
				truth = &log[i]
				break
			}
		}
		found, questions := search(t, lag.NewAgeSearch(o, anyBefore(t, log, committed, jitter), now, accuracy), log)
		if found.Err != nil || found.Committed != o.Committed || !found.ObservedAt.Equal(now) {
			t.Fatalf("%+v", found)
		}
		if questions > 80 {
			t.Fatalf("%d questions", questions)
		}
		if truth == nil {
			return // nothing but a marker: whatever the age, there is no record that could be older
		}
		early := truth.at - found.Timestamp.UnixMilli() // how much older than the truth
		if early < -jitter {
			t.Fatalf("younger than the truth by %d ms: %+v, want %+v", -early, found, truth)
		}
		if jitter == 0 && early > found.Accuracy.Milliseconds() {
			t.Fatalf("off by %d ms and says %s", early, found.Accuracy)
		}
	})
}

// anyBefore draws what an earlier search found, for an earlier record.
func anyBefore(t *rapid.T, log []stamped, committed, jitter int64) *lag.Oldest {
	r := rapid.SampledFrom(log).Draw(t, "found before")
	if jitter > 0 || r.offset >= committed || rapid.Bool().Draw(t, "nothing found before") {
		return nil
	}
	return &lag.Oldest{Committed: r.offset, Timestamp: time.UnixMilli(r.at)}
}

// A record a second for a day: what accuracy costs, cold and from where the last search ended.
func TestAgeSearchQuestions(t *testing.T) {
	var day []stamped
	for i := range int64(86_400) {
		day = append(day, stamped{i, now.UnixMilli() - (86_400-i)*1000})
	}
	o := lag.Offsets{Committed: 43_210, LogEnd: 86_400}
	found, questions := search(t, lag.NewAgeSearch(o, nil, now, time.Second), day)
	if age := now.Sub(found.Timestamp); age != (86_400-43_210)*time.Second || questions > 6 {
		t.Errorf("%s after %d questions", age, questions)
	}
	o.Committed += 500
	found, questions = search(t, lag.NewAgeSearch(o, found, now, time.Second), day)
	if age := now.Sub(found.Timestamp); age != (86_400-43_710)*time.Second || questions > 4 {
		t.Errorf("%s after %d more questions", age, questions)
	}
}

func TestAgeSearchThatCannotKnow(t *testing.T) {
	ms := now.UnixMilli()
	for _, c := range []struct {
		name string
		log  []stamped
	}{
		// One record from next year makes every time before it lead to it.
		{"future before the commit", []stamped{{0, ms - 5000}, {1, ms + 365*86_400_000}, {2, ms - 3000}}},
		{"no timestamps", []stamped{{0, -1}, {1, -1}, {2, -1}}},
	} {
		found, _ := search(t, lag.NewAgeSearch(lag.Offsets{Committed: 2, LogEnd: 3}, nil, now, time.Second), c.log)
		if found.Err == nil {
			t.Errorf("%s: %+v", c.name, found)
		}
	}
	// The record itself from the future is found, and [lag.Compute] refuses it.
	found, _ := search(t, lag.NewAgeSearch(lag.Offsets{Committed: 1, LogEnd: 2}, nil, now, time.Second),
		[]stamped{{0, ms - 5000}, {1, ms + 3_600_000}})
	o := lag.Offsets{Committed: 1, LogEnd: 2, ObservedAt: now, Oldest: found}
	if r := lag.Compute(lag.Rules{MaxAge: time.Minute, Ages: true}, []lag.Offsets{o}, now); r.AgeErr == nil {
		t.Errorf("%+v became %s", found, r.Age)
	}

	cause := errors.New("broker 2 does not answer")
	s := lag.NewAgeSearch(lag.Offsets{Committed: 1, LogEnd: 2}, nil, now, time.Second)
	s.Fail(cause)
	if _, ask := s.Next(); ask || !errors.Is(s.Oldest(now).Err, cause) {
		t.Errorf("after a failure: %+v", s.Oldest(now))
	}
}

// Where consumers start over, the oldest record of the log is what they take first.
func TestAgeSearchFromTheStart(t *testing.T) {
	log := []stamped{{20, now.UnixMilli() - 60_000}, {21, now.UnixMilli() - 1000}}
	for name, o := range map[string]lag.Offsets{
		"no commit":         {Committed: lag.NoCommit, LogStart: 20, LogEnd: 22},
		"below the start":   {Committed: 3, LogStart: 20, LogEnd: 22},
		"past the end":      {Committed: 600, LogStart: 20, LogEnd: 22},
		"start not known":   {Committed: 20, LogStart: lag.Unknown, LogEnd: 22},
		"start behind that": {Committed: 20, LogStart: 10, LogEnd: 22},
	} {
		found, questions := search(t, lag.NewAgeSearch(o, nil, now, time.Second), log)
		if age := now.Sub(found.Timestamp); age != time.Minute || questions != 1 || found.Accuracy != 0 || found.Committed != o.Committed {
			t.Errorf("%s: %s after %d questions: %+v", name, age, questions, found)
		}
	}
}
