package arrivals_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/history/arrivals"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cluster has partitions, each with the times of its records, ascending, and how many of them retention has removed.
type cluster struct {
	records map[lag.TopicPartition][]time.Time
	removed map[lag.TopicPartition]int
	takes   time.Duration

	mu     sync.Mutex
	rounds []time.Time
	fail   func(round int, tp lag.TopicPartition) error
	panics bool
}

func (c *cluster) answer(ctx context.Context, asked []lag.TopicPartition, deliver func([]lag.LogOffset), offset func(lag.TopicPartition) int64) {
	c.mu.Lock()
	c.rounds = append(c.rounds, time.Now())
	round := len(c.rounds)
	c.mu.Unlock()
	if c.panics {
		panic("a defect")
	}
	select {
	case <-time.After(c.takes):
	case <-ctx.Done():
		return // it leaves all out
	}
	for _, tp := range asked {
		a := lag.LogOffset{TopicPartition: tp, Offset: offset(tp)}
		if c.fail != nil {
			a.Err = c.fail(round, tp)
		}
		deliver([]lag.LogOffset{a})
	}
}

func (c *cluster) LogOffsets(ctx context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
	var asked []lag.TopicPartition
	for _, p := range parts {
		for _, id := range p.Partitions {
			asked = append(asked, lag.TopicPartition{Topic: p.Topic, Partition: id})
		}
	}
	c.answer(ctx, asked, deliver, func(tp lag.TopicPartition) int64 {
		if at == lag.Start {
			return int64(c.removed[tp])
		}
		return int64(c.came(tp, time.Now()))
	})
}

// came is how many records had come before a time.
func (c *cluster) came(tp lag.TopicPartition, before time.Time) int {
	n, _ := slices.BinarySearchFunc(c.records[tp], before, time.Time.Compare)
	return n
}

func (c *cluster) OffsetsForTimes(ctx context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	var asked []lag.TopicPartition
	for tp := range times {
		asked = append(asked, tp)
	}
	c.answer(ctx, asked, deliver, func(tp lag.TopicPartition) int64 {
		at := max(c.came(tp, time.UnixMilli(times[tp])), c.removed[tp])
		if at >= c.came(tp, time.Now()) {
			return -1
		}
		return int64(at)
	})
}

// fill gives a partition so many records a minute for some time before now, at random times.
func (c *cluster) fill(tp lag.TopicPartition, since time.Duration, aMinute float64) {
	if c.records == nil {
		c.records, c.removed = map[lag.TopicPartition][]time.Time{}, map[lag.TopicPartition]int{}
	}
	random := rand.New(rand.NewPCG(1, uint64(tp.Partition)))
	now := time.Now()
	var times []time.Time
	for range int(since.Minutes() * aMinute) {
		times = append(times, now.Add(-time.Duration(random.Int64N(int64(since)))).Truncate(time.Millisecond))
	}
	slices.SortFunc(times, time.Time.Compare)
	c.records[tp] = times
}

// between is how many records came to partitions in a span.
func (c *cluster) between(from, to time.Time, partitions []lag.TopicPartition) (n int64) {
	for _, tp := range partitions {
		n += int64(c.came(tp, to) - c.came(tp, from))
	}
	return n
}

// start runs a reader until the test ends.
func start(t *testing.T, source arrivals.Source, o arrivals.Options) *arrivals.Reader {
	t.Helper()
	r := arrivals.NewReader(source, o)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return r
}

// all takes until there is no more.
func all(g *arrivals.Reading) (spans []latency.Arrivals) {
	defer g.Close()
	for {
		some, more := g.Take()
		spans = append(spans, some...)
		if !more {
			return spans
		}
		time.Sleep(time.Second)
	}
}

// check holds the spans to be gapless, newest first, and right.
func check(t *testing.T, c *cluster, spans []latency.Arrivals, partitions ...lag.TopicPartition) {
	t.Helper()
	for i, s := range spans {
		if want := c.between(s.Start, s.End, partitions); s.Records != want {
			t.Fatalf("span %d, from %s to %s: %d records, want %d", i, s.Start, s.End, s.Records, want)
		}
		if i > 0 && !s.End.Equal(spans[i-1].Start) {
			t.Fatalf("span %d ends at %s, and the one before begins at %s", i, s.End, spans[i-1].Start)
		}
		for _, step := range []time.Duration{15 * time.Second, 5 * time.Minute, 30 * time.Minute} {
			if length := s.End.Sub(s.Start); length <= step && !s.Start.Truncate(step).Equal(s.End.Add(-1).Truncate(step)) {
				t.Fatalf("span %d, from %s to %s, is in two steps of %s", i, s.Start, s.End, step)
			}
		}
	}
}

// A week in three kinds of steps, within a minute, and never more than 20 rounds a second.
func TestReaderReadsAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(7*time.Minute + 3*time.Second) // not the beginning of a step
		c := &cluster{takes: 20 * time.Millisecond}
		c.fill(tp(0), 9*24*time.Hour, 3)
		c.fill(tp(1), 9*24*time.Hour, 1)
		c.removed[tp(1)] = 10
		began := time.Now()
		r := start(t, c, arrivals.Options{})
		g := r.Read([]lag.TopicPartition{tp(0), tp(1)})
		spans := all(g)
		if err := g.Err(); err != nil {
			t.Fatal(err)
		}
		check(t, c, spans, tp(0), tp(1))
		if took := time.Since(began); took > time.Minute {
			t.Errorf("it took %s", took)
		}
		first, last := spans[0], spans[len(spans)-1]
		if age := began.Sub(first.End); age < 0 || age >= 15*time.Second || first.End.Sub(first.Start) != 15*time.Second {
			t.Errorf("the newest span is from %s to %s", first.Start, first.End)
		}
		if back := began.Sub(last.Start); back < 7*24*time.Hour || last.End.Sub(last.Start) != 30*time.Minute {
			t.Errorf("the oldest span is from %s to %s", last.Start, last.End)
		}
		for i, at := range c.rounds {
			if at.Sub(c.rounds[0]) < time.Duration(i)*time.Second/20 {
				t.Fatalf("round %d after %s", i, at.Sub(c.rounds[0]))
			}
		}
		t.Logf("%d spans in %d rounds", len(spans), len(c.rounds))
	})
}

// Spans are given away by half-hours of the clock, so that the planner can make its longer steps of them.
func TestReaderGivesWholeBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{}
		c.fill(tp(0), 9*24*time.Hour, 1)
		r := start(t, c, arrivals.Options{})
		g := r.Read([]lag.TopicPartition{tp(0)})
		defer g.Close()
		for {
			spans, more := g.Take()
			if len(spans) > 0 && more && spans[len(spans)-1].Start.Truncate(30*time.Minute) != spans[len(spans)-1].Start {
				t.Fatalf("it ends within a half-hour, at %s", spans[len(spans)-1].Start)
			}
			if !more {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
}

// Where retention has removed records, and before the first ones, nothing is said.
func TestReaderEndsWhereNothingIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{}
		c.fill(tp(0), 3*time.Hour, 60)
		c.fill(tp(1), 3*time.Hour, 60)
		c.removed[tp(1)] = c.came(tp(1), time.Now().Add(-40*time.Minute))
		r := start(t, c, arrivals.Options{})
		whole, cut := r.Read([]lag.TopicPartition{tp(0)}), r.Read([]lag.TopicPartition{tp(0), tp(1)})
		spans := all(cut)
		check(t, c, spans, tp(0), tp(1))
		if last := spans[len(spans)-1].Start; time.Since(last) > 41*time.Minute {
			t.Errorf("it says what came since %s", last)
		}
		spans = all(whole)
		check(t, c, spans, tp(0))
		if last := spans[len(spans)-1].Start; time.Since(last) > 3*time.Hour+6*time.Minute {
			t.Errorf("it says what came since %s", last)
		}
	})
}

// What fails is tried again and goes on where it was; others do not wait for it.
func TestReaderGoesOnAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{}
		c.fill(tp(0), 10*time.Hour, 5)
		ill := lag.TopicPartition{Topic: "ill"}
		c.fill(ill, 10*time.Hour, 5)
		gone := &fault.Error{Kind: fault.Unavailable, Op: "look up", Err: errors.New("the leader is gone")}
		until := time.Now().Add(5 * time.Minute)
		c.fail = func(round int, tp lag.TopicPartition) error {
			if tp == ill && time.Now().Before(until) && round > 30 {
				return gone
			}
			return nil
		}
		r := start(t, c, arrivals.Options{})
		sick, well := r.Read([]lag.TopicPartition{ill}), r.Read([]lag.TopicPartition{tp(0)})
		began := time.Now()
		all(well)
		if took := time.Since(began); took > time.Minute {
			t.Errorf("the other reading took %s", took)
		}
		spans := all(sick)
		check(t, c, spans, ill)
		if err := sick.Err(); err != nil || len(spans) < 300 || time.Now().Before(until) {
			t.Errorf("%d spans: %v", len(spans), err)
		}
	})
}

// What will not pass ends a reading, with the reason.
func TestReaderSaysWhyNot(t *testing.T) {
	for name, tc := range map[string]struct {
		c    *cluster
		says string
	}{
		"denied": {&cluster{fail: func(round int, _ lag.TopicPartition) error {
			if round < 10 {
				return nil
			}
			return &fault.Error{Kind: fault.Denied, Err: errors.New("DESCRIBE is missing")}
		}}, "DESCRIBE is missing"},
		"panic": {&cluster{panics: true}, "a defect of kafka-scaler"},
	} {
		synctest.Test(t, func(t *testing.T) {
			panicked := 0
			c, panics := tc.c, tc.c.panics
			c.fill(tp(0), time.Hour, 5)
			r := start(t, c, arrivals.Options{Panicked: func(string) { panicked++ }})
			g := r.Read([]lag.TopicPartition{tp(0)})
			all(g)
			if err := g.Err(); err == nil || !strings.Contains(err.Error(), tc.says) || (panicked == 1) != panics {
				t.Errorf("%s: %v, %d panics", name, err, panicked)
			}
			c.panics, c.fail = false, nil
			if spans := all(r.Read([]lag.TopicPartition{tp(0)})); len(spans) == 0 {
				t.Errorf("%s: the reader is of no use any more", name)
			}
		})
	}
}

// Readings of the same partitions that began at different times take turns, and both come to their end.
func TestReadersShareRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{}
		for i := range 20 {
			c.fill(tp(i), 2*time.Hour, 5)
		}
		r := start(t, c, arrivals.Options{})
		var readings []*arrivals.Reading
		for i := range 20 {
			readings = append(readings, r.Read([]lag.TopicPartition{tp(i)}))
		}
		time.Sleep(3 * time.Second) // not a multiple of the step
		late := r.Read([]lag.TopicPartition{tp(0), tp(1)})
		time.Sleep(20 * time.Second)
		later := r.Read([]lag.TopicPartition{tp(1), tp(2)})
		for _, g := range append(readings, late, later) {
			if spans := all(g); len(spans) < 240 || g.Err() != nil {
				t.Errorf("%d spans: %v", len(spans), g.Err())
			}
		}
		if n := len(c.rounds); n > 3*252+20 {
			t.Errorf("%d rounds, and 252 times were asked about by readings that began at three moments", n)
		}
	})
}

// Nobody who does not take what is read makes it grow, nor keeps others waiting.
func TestReaderWaitsForItsTakers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{}
		c.fill(tp(0), 9*24*time.Hour, 1)
		c.fill(tp(1), 9*24*time.Hour, 1)
		r := start(t, c, arrivals.Options{})
		idle := r.Read([]lag.TopicPartition{tp(0)})
		time.Sleep(time.Hour)
		check(t, c, all(r.Read([]lag.TopicPartition{tp(1)})), tp(1))
		spans, more := idle.Take()
		if len(spans) < 256 || len(spans) > 256+120 || !more {
			t.Errorf("%d spans were kept, more: %v", len(spans), more)
		}
		idle.Close()
		idle.Close()
	})
}

// Beyond the bounds there is no history of arrivals, and a reason.
func TestReaderIsBounded(t *testing.T) {
	r := arrivals.NewReader(&cluster{}, arrivals.Options{})
	var readings []*arrivals.Reading
	for range 20_000 {
		readings = append(readings, r.Read([]lag.TopicPartition{tp(0)}))
	}
	over := r.Read([]lag.TopicPartition{tp(0)})
	if _, more := over.Take(); more || fault.KindOf(over.Err()) != fault.Exhausted {
		t.Errorf("more than 20,000: %v", over.Err())
	}
	for _, g := range readings {
		g.Close()
	}
	if g := r.Read(make([]lag.TopicPartition, 500_001)); fault.KindOf(g.Err()) != fault.Exhausted {
		t.Errorf("too many partitions: %v", g.Err())
	}
	if g := r.Read(make([]lag.TopicPartition, 500_000)); g.Err() != nil {
		t.Errorf("after all have been closed: %v", g.Err())
	}
}

// When the cluster is no longer watched, readings end.
func TestReaderEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{takes: time.Minute}
		c.fill(tp(0), time.Hour, 1)
		r := arrivals.NewReader(c, arrivals.Options{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		g := r.Read([]lag.TopicPartition{tp(0)})
		time.Sleep(time.Second)
		stop()
		<-done
		if _, more := g.Take(); more || g.Err() == nil {
			t.Errorf("it has not ended: %v", g.Err())
		}
		if g := r.Read([]lag.TopicPartition{tp(0)}); g.Err() == nil {
			t.Error("it may still be asked")
		}
	})
}
