package latency

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A size is on the ladder where one replica fewer gives the busiest member more partitions.
func TestLadderIsItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.IntRange(1, 700).Draw(t, "partitions")
		threads := rapid.IntRange(1, 9).Draw(t, "threads")
		var want ladder
		for n := 1; n <= ceilDiv(partitions, threads); n++ {
			if n == 1 || ceilDiv(partitions, n*threads) < ceilDiv(partitions, (n-1)*threads) {
				want = append(want, n)
			}
		}
		if got := newLadder(partitions, threads); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestLadderOf48(t *testing.T) {
	want := ladder{1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 48}
	if got := newLadder(48, 1); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for n, up := range map[int]int{0: 1, 9: 10, 10: 10, 25: 48, 99: 48} {
		if got := want.up(n); got != up {
			t.Errorf("up from %d: %d, want %d", n, got, up)
		}
	}
}
