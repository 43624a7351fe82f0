package collector

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/sweep"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// clockwork is a cluster with a record every second: that at offset n is n seconds
// after begin, whatever the log end says.
type clockwork struct {
	*cluster
	begin time.Time
	fail  error

	asking sync.Mutex
	rounds int
	asked  int
}

func (w *clockwork) OffsetsForTimes(_ context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	w.asking.Lock()
	defer w.asking.Unlock()
	w.rounds++
	w.asked += len(times)
	var answers []lag.LogOffset
	for tp, at := range times {
		var start, end int64
		w.with(func() { start, end = w.topics[tp.Topic].starts[tp.Partition], w.topics[tp.Topic].ends[tp.Partition] })
		offset := max(start, (at-w.begin.UnixMilli()+999)/1000)
		a := lag.LogOffset{TopicPartition: tp, Offset: offset, Timestamp: w.begin.UnixMilli() + offset*1000, Err: w.fail}
		if offset >= end {
			a.Offset, a.Timestamp = -1, -1
		}
		answers = append(answers, a)
	}
	deliver(answers)
}

// sofar returns how many rounds of questions there were since the last time, and about how many partitions.
func (w *clockwork) sofar() (rounds, asked int) {
	w.asking.Lock()
	defer w.asking.Unlock()
	rounds, asked = w.rounds, w.asked
	w.rounds, w.asked = 0, 0
	return rounds, asked
}

func aging(group string, topics ...string) *Query {
	return NewQuery(trigger.Selection{ConsumerGroup: group, Topics: topics, Ages: true}, 10*time.Second)
}

func ages(t *testing.T, c *Collector, q *Query) lag.Report {
	t.Helper()
	return lag.Compute(lag.Rules{ResetPolicy: lag.Earliest, MaxAge: 10 * time.Second, Ages: true}, snapshot(t, c, q).Offsets, time.Now())
}

func near(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	// A second of accuracy, and a slow machine.
	if got < want-1500*time.Millisecond || got > want+5*time.Second {
		t.Errorf("%s: age %s, want %s", what, got, want)
	}
}

func TestAges(t *testing.T) {
	const n = 100
	ends, commits := make([]int64, n), make([]int64, n)
	for i := range ends {
		ends[i], commits[i] = 86_400, 86_400-int64(i)*100
	}
	w := &clockwork{cluster: newCluster(1).topic("orders", 1, ends...).commit("billing", "orders", commits...)}
	w.begin = time.Now().Add(-86_400 * time.Second)
	told := make(chan AgeStats, 10)
	c := start(t, w, Options{Interval: time.Hour, Observer: Observer{AgesSearched: func(s AgeStats) { told <- s }}})
	q := aging("billing", "orders")
	r := ages(t, c, q)
	if r.Err != nil || r.AgeErr != nil {
		t.Fatal(r.Err, r.AgeErr)
	}
	// The first of them has no lag.
	if s := <-told; s.Found != n-1 || s.Unknown != 0 || s.Rounds == 0 || s.Rounds > 8 {
		t.Errorf("told of %+v", s)
	}
	for i := range r.Partitions {
		near(t, r.Partitions[i].String(), r.Partitions[i].Age, time.Duration(i)*100*time.Second)
	}
	rounds, asked := w.sofar()
	if rounds > 8 {
		t.Errorf("%d rounds for an even log", rounds)
	}
	t.Logf("cold: %d rounds, %d questions about %d partitions", rounds, asked, n)

	// The group goes on, and the ages with it.
	var s *sweep.Scope
	for i := range commits {
		commits[i] = min(86_400, commits[i]+50)
	}
	w.commit("billing", "orders", commits...)
	s = c.live()
	c.sweeper.Sweep(t.Context(), s, time.Second)
	r = ages(t, c, q)
	for i := range r.Partitions {
		near(t, "later "+r.Partitions[i].String(), r.Partitions[i].Age, max(0, time.Duration(i)*100-50)*time.Second)
	}
	if rounds, _ := w.sofar(); rounds > 6 {
		t.Errorf("%d rounds where the ages were known before", rounds)
	}

	// A commit that stands still needs no question.
	c.sweeper.Sweep(t.Context(), s, time.Second)
	if rounds, asked := w.sofar(); rounds != 0 {
		t.Errorf("%d rounds, %d questions about commits that have not moved", rounds, asked)
	}
	if r = ages(t, c, q); r.AgeErr != nil {
		t.Error(r.AgeErr)
	}
}

// Without a commit, and below the log start, the oldest record of the log is the one.
func TestAgesFromTheStart(t *testing.T) {
	w := &clockwork{cluster: newCluster(1).topic("orders", 1, 100, 100).commit("billing", "orders", -1, 10)}
	w.with(func() { w.topics["orders"].starts = []int64{40, 40} })
	w.begin = time.Now().Add(-100 * time.Second)
	c := start(t, w, Options{Interval: time.Hour})
	r := ages(t, c, aging("billing", "orders"))
	if r.AgeErr != nil {
		t.Fatal(r.AgeErr)
	}
	for _, p := range r.Partitions {
		near(t, p.String(), p.Age, 60*time.Second)
	}
	if rounds, _ := w.sofar(); rounds != 1 {
		t.Errorf("%d rounds, want 1", rounds)
	}
}

// What cannot be looked up is unknown, and no 0; what was known stands for a while.
func TestAgesThatFail(t *testing.T) {
	w := &clockwork{cluster: newCluster(1).topic("orders", 1, 100).commit("billing", "orders", 40)}
	w.begin, w.fail = time.Now().Add(-100*time.Second), errDown
	c := start(t, w, Options{Interval: time.Hour})
	q := aging("billing", "orders")
	if r := ages(t, c, q); fault.KindOf(r.AgeErr) != fault.Unavailable || r.Err != nil || r.Total != 60 {
		t.Errorf("lag %d, %v; age error %v", r.Total, r.Err, r.AgeErr)
	}
	s := c.live()
	w.fail = nil
	c.sweeper.Sweep(t.Context(), s, time.Second)
	near(t, "after a failure", ages(t, c, q).Age, 60*time.Second)
	w.fail = errDown
	w.commit("billing", "orders", 50)
	c.sweeper.Sweep(t.Context(), s, time.Second)
	// No younger than the truth, which is 50 s.
	near(t, "with the last known", ages(t, c, q).Age, 60*time.Second)
}

func TestMovedAt(t *testing.T) {
	source := newCluster(1).topic("orders", 1, 100, 100).commit("billing", "orders", 10, 10)
	c := start(t, source, Options{Interval: time.Hour})
	q := query("billing", "orders")
	for _, o := range snapshot(t, c, q).Offsets {
		if !o.MovedAt.IsZero() {
			t.Errorf("%v: the first commit seen has moved at %v", o.TopicPartition, o.MovedAt)
		}
	}
	s := c.live()
	c.sweeper.Sweep(t.Context(), s, time.Second)
	before := time.Now()
	source.commit("billing", "orders", 10, 20)
	c.sweeper.Sweep(t.Context(), s, time.Second)
	offsets := snapshot(t, c, q).Offsets
	if !offsets[0].MovedAt.IsZero() || offsets[1].MovedAt.Before(before) {
		t.Errorf("moved at %v and %v, want never and after %v", offsets[0].MovedAt, offsets[1].MovedAt, before)
	}
}

// Many partitions that lag on take two rounds a refresh, and stay exact.
func TestAgesOfManyPartitions(t *testing.T) {
	const n = store.ManyAges + 200
	ends, commits := make([]int64, n), make([]int64, n)
	for i := range ends {
		ends[i], commits[i] = 86_400, 40_000+int64(i)*7
	}
	w := &clockwork{cluster: newCluster(1).topic("orders", 1, ends...).commit("billing", "orders", commits...)}
	w.begin = time.Now().Add(-86_400 * time.Second)
	c := start(t, w, Options{Interval: time.Hour, FirstReadTimeout: 20 * time.Second, Grace: 20 * time.Second})
	q := aging("billing", "orders")
	if r := ages(t, c, q); r.AgeErr != nil {
		t.Fatal(r.AgeErr)
	}
	w.sofar()
	s := c.live()
	for range 5 {
		for i := range commits {
			commits[i] += int64(1 + i%30)
		}
		w.commit("billing", "orders", commits...)
		c.sweeper.Sweep(t.Context(), s, 20*time.Second)
		if rounds, _ := w.sofar(); rounds > store.RoundsAgain {
			t.Errorf("%d rounds", rounds)
		}
		r := ages(t, c, q)
		for i := range r.Partitions {
			near(t, r.Partitions[i].String(), r.Partitions[i].Age, time.Duration(86_400-commits[i])*time.Second)
		}
	}
	// A long way at once, and then no more: the searches go on where they were, and end.
	for i := range commits {
		commits[i] += 20_000 + int64(i)*5
	}
	w.commit("billing", "orders", commits...)
	refreshes := 0
	for rounds := 1; rounds > 0; refreshes++ {
		c.sweeper.Sweep(t.Context(), s, 20*time.Second)
		if rounds, _ = w.sofar(); rounds > store.RoundsAgain || refreshes > 8 {
			t.Fatalf("%d rounds in refresh %d after the commits have moved", rounds, refreshes)
		}
	}
	// So it is where only a few of them move.
	for i := range 10 {
		commits[i] += 15_000
	}
	w.commit("billing", "orders", commits...)
	for range 8 {
		c.sweeper.Sweep(t.Context(), s, 20*time.Second)
		if rounds, _ := w.sofar(); rounds > store.RoundsAgain {
			t.Errorf("%d rounds for the few commits that have moved", rounds)
		}
	}
	r := ages(t, c, q)
	for i := range r.Partitions {
		near(t, r.Partitions[i].String(), r.Partitions[i].Age, time.Duration(86_400-commits[i])*time.Second)
	}
}

// Records that share a second are not told apart, however often one asks.
func TestAgesOfRecordsCloseTogether(t *testing.T) {
	w := &clockwork{cluster: newCluster(1).topic("orders", 1, 86_400).commit("billing", "orders", 40_000)}
	w.begin = time.Now().Add(-86_400 * time.Second)
	closeTogether := &crowded{clockwork: w}
	c := start(t, closeTogether, Options{Interval: time.Hour})
	q := aging("billing", "orders")
	near(t, "one of ten records of a second", ages(t, c, q).Age, (86_400-4_000)*time.Second)
	w.sofar()
	s := c.live()
	c.sweeper.Sweep(t.Context(), s, time.Second)
	if rounds, _ := w.sofar(); rounds != 0 {
		t.Errorf("%d more rounds about a commit that has not moved", rounds)
	}
}

// crowded has ten records a second, all with the same timestamp.
type crowded struct{ *clockwork }

func (w *crowded) OffsetsForTimes(ctx context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	w.clockwork.OffsetsForTimes(ctx, times, func(answers []lag.LogOffset) {
		for i := range answers {
			if answers[i].Offset *= 10; answers[i].Offset < 0 || answers[i].Offset >= 86_400 {
				answers[i].Offset, answers[i].Timestamp = -1, -1
			}
		}
		deliver(answers)
	})
}
