package arrivals_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/pkg/history/arrivals"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// logs are partitions of topic orders, each with the times of its records in seconds since begin, and how many
// of them retention has removed.
type logs struct {
	begin   time.Time
	records [][]int
	removed []int
	calls   []time.Time
	fail    func(call int) error
}

func (l *logs) answer(deliver func([]lag.LogOffset), offset func(p int) int64) {
	l.calls = append(l.calls, time.Now())
	var answers []lag.LogOffset
	for p := range l.records {
		a := lag.LogOffset{TopicPartition: tp(p), Offset: offset(p)}
		if l.fail != nil {
			a.Err = l.fail(len(l.calls))
		}
		answers = append(answers, a)
	}
	deliver(answers)
}

func (l *logs) LogOffsets(_ context.Context, at lag.Position, _ []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
	l.answer(deliver, func(p int) int64 {
		if at == lag.Start {
			return int64(l.removed[p])
		}
		return int64(len(l.records[p]))
	})
}

func (l *logs) OffsetsForTimes(_ context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	l.answer(deliver, func(p int) int64 {
		at := int(time.UnixMilli(times[tp(p)]).Sub(l.begin).Seconds())
		for offset, second := range l.records[p] {
			if second >= at && offset >= l.removed[p] {
				return int64(offset)
			}
		}
		return -1
	})
}

func tp(p int) lag.TopicPartition { return lag.TopicPartition{Topic: "orders", Partition: int32(p)} }

func partitions(l *logs) []lag.TopicPartition {
	var list []lag.TopicPartition
	for p := range l.records {
		list = append(list, tp(p))
	}
	return list
}

func minutes(l *logs, n int) []time.Time {
	var times []time.Time
	for i := range n {
		times = append(times, l.begin.Add(time.Duration(i)*time.Minute))
	}
	return times
}

func TestRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logs{begin: time.Now(), removed: []int{0, 0, 7}, records: [][]int{
			{10, 20, 70, 130}, {65, 66, 67}, {-9, -8, -7, -6, -5, -4, -3}, // the last is empty: all was removed
		}}
		shares := 0.0
		h, err := arrivals.Read(t.Context(), l, partitions(l), minutes(l, 4), func(done float64) { shares = done })
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]int64{0, 2, 6, 7}, h.Total); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		if h.ByPartition[tp(0)] != 4 || h.ByPartition[tp(1)] != 3 || h.ByPartition[tp(2)] != 0 {
			t.Errorf("by partition %v", h.ByPartition)
		}
		seconds, rates := h.Rates()
		if want := []float64{2.0 / 60, 4.0 / 60, 1.0 / 60}; !slices.Equal(rates, want) {
			t.Errorf("rates %v, want %v", rates, want)
		}
		if seconds[0] != float64(l.begin.Unix())+30 || shares != 1 {
			t.Errorf("first at %f, done %g", seconds[0], shares)
		}
	})
}

// No more than 20 rounds a second, and a round asks each broker once.
func TestReadIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logs{begin: time.Now(), removed: []int{0}, records: [][]int{{-1, 2, 3}}}
		if _, err := arrivals.Read(t.Context(), l, partitions(l), minutes(l, 100), nil); err != nil {
			t.Fatal(err)
		}
		first := l.calls[2] // after the two for start and end
		for i, at := range l.calls[2:] {
			if at.Sub(first) < time.Duration(i)*time.Second/20 {
				t.Fatalf("round %d after %s", i, at.Sub(first))
			}
		}
		if len(l.calls) != 102 {
			t.Errorf("%d rounds for 100 times", len(l.calls))
		}
	})
}

// Before the first records there is nothing to ask for.
func TestNewTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logs{begin: time.Now(), removed: []int{0, 0}, records: [][]int{{190, 200}, {}}}
		h, err := arrivals.Read(t.Context(), l, partitions(l), minutes(l, 6), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.calls) != 2+3 || !h.Times[0].Equal(l.begin.Add(3*time.Minute)) || !slices.Equal(h.Total, []int64{0, 2, 2}) {
			t.Errorf("%d rounds, from %s: %v", len(l.calls), h.Times[0].Sub(l.begin), h.Total)
		}
	})
}

// What retention removed is not known: history begins after it.
func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logs{begin: time.Now(), removed: []int{2}, records: [][]int{{10, 20, 70, 130, 190}}}
		h, err := arrivals.Read(t.Context(), l, partitions(l), minutes(l, 5), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !h.Times[0].Equal(l.begin.Add(2*time.Minute)) || !slices.Equal(h.Total, []int64{0, 1, 2}) {
			t.Errorf("from %s: %v", h.Times[0].Sub(l.begin), h.Total)
		}
		l.removed[0] = 4
		if _, err := arrivals.Read(t.Context(), l, partitions(l), minutes(l, 5), nil); err == nil || !strings.Contains(err.Error(), "retention has removed") {
			t.Errorf("got %v", err)
		}
	})
}

// A round that fails is made once more; one that fails twice is the end.
func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		moved := errors.New("the leader moved")
		l := &logs{begin: time.Now(), removed: []int{0}, records: [][]int{{10, 70}}}
		l.fail = func(call int) error {
			if call == 4 {
				return moved
			}
			return nil
		}
		if _, err := arrivals.Read(t.Context(), l, partitions(l), minutes(l, 3), nil); err != nil {
			t.Error(err)
		}
		l.fail = func(int) error { return moved }
		if _, err := arrivals.Read(t.Context(), l, partitions(l), minutes(l, 3), nil); !errors.Is(err, moved) {
			t.Errorf("got %v", err)
		}
		l.fail = nil
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := arrivals.Read(ctx, l, partitions(l), minutes(l, 3), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// A day and its warm-up, with the week before it, stay within the bound.
func TestTimes(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	times := arrivals.Times(now, 25*time.Hour)
	if !slices.IsSortedFunc(times, time.Time.Compare) || !times[len(times)-1].Equal(now) || len(times) > arrivals.MostTimes {
		t.Errorf("%d times to %s", len(times), times[len(times)-1])
	}
	if first := now.Sub(times[0]); first != 8*24*time.Hour+time.Hour {
		t.Errorf("the first is %s ago", first)
	}
}
