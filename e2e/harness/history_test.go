package harness

import (
	"slices"
	"testing"
	"time"
)

func history(counts ...int) History {
	var h History
	for i, n := range counts {
		h = append(h, Change{At: second(i), Replicas: n})
	}
	return h
}

func second(i int) time.Time { return time.Unix(int64(i), 0) }

func TestHistory(t *testing.T) {
	for _, c := range []struct {
		history      History
		turns, drops int
		most         int
	}{
		{history(0), 0, 0, 0},
		{history(0, 1, 5, 5, 6), 0, 0, 6},
		{history(0, 1, 5, 2, 0), 1, 2, 5},
		{history(0, 1, 0, 1, 0), 3, 2, 1},
		{history(3, 2, 2, 3), 1, 1, 3},
	} {
		if turns, drops, most := c.history.Turns(), len(c.history.Drops()), c.history.Max(); turns != c.turns || drops != c.drops || most != c.most {
			t.Errorf("%s: %d turns, %d drops, max %d; want %d, %d, %d", c.history, turns, drops, most, c.turns, c.drops, c.most)
		}
	}
}

func TestHistoryWindows(t *testing.T) {
	h := history(0, 1, 4, 2)
	if got := h.Since(second(2)).Counts(); !slices.Equal(got, []int{4, 2}) {
		t.Errorf("since second 2: %v, want 4 and 2", got)
	}
	// Between two changes the earlier one holds.
	if got := h.Since(second(1).Add(500 * time.Millisecond)).Counts(); !slices.Equal(got, []int{1, 4, 2}) {
		t.Errorf("since second 1.5: %v, want 1, 4 and 2", got)
	}
	if got := h.Until(second(2)).Counts(); !slices.Equal(got, []int{0, 1, 4}) {
		t.Errorf("until second 2: %v, want 0, 1 and 4", got)
	}
	if got := h.At(second(2).Add(time.Millisecond)); got != 4 {
		t.Errorf("after second 2: %d replicas, want 4", got)
	}
	if at, ok := h.First(2); !ok || !at.Equal(second(2)) {
		t.Errorf("first at 2 or more: %v, %t; want second 2", at, ok)
	}
	if _, ok := h.First(5); ok {
		t.Error("5 replicas found where there never were more than 4")
	}
}
