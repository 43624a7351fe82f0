package trigger_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func TestPartitionSetContains(t *testing.T) {
	for _, tc := range []struct {
		name    string
		set     trigger.PartitionSet
		yes, no []int32
	}{
		{"no limit", nil, []int32{0, 7, math.MaxInt32}, nil},
		{"nothing", trigger.NewPartitionSet(), nil, []int32{0, 7, math.MaxInt32}},
		{"backwards", trigger.NewPartitionSet(trigger.PartitionRange{First: 3, Last: 1}), nil, []int32{1, 2, 3}},
		{
			"up to the last", trigger.NewPartitionSet(trigger.PartitionRange{First: 5, Last: math.MaxInt32}, trigger.PartitionRange{First: 9, Last: math.MaxInt32}),
			[]int32{5, math.MaxInt32},
			[]int32{0, 4},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, id := range tc.yes {
				if !tc.set.Contains(id) {
					t.Errorf("%v lacks %d", tc.set, id)
				}
			}
			for _, id := range tc.no {
				if tc.set.Contains(id) {
					t.Errorf("%v contains %d", tc.set, id)
				}
			}
		})
	}
}

// TestPartitionSetProperties compares the set with the obvious search through what it was made of.
func TestPartitionSetProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Int32Range(0, 40)
		ranges := rapid.SliceOf(rapid.Custom(func(t *rapid.T) trigger.PartitionRange {
			return trigger.PartitionRange{First: id.Draw(t, "first"), Last: id.Draw(t, "last")}
		})).Draw(t, "ranges")
		given := slices.Clone(ranges)
		set := trigger.NewPartitionSet(ranges...)
		if !slices.Equal(given, ranges) {
			t.Fatalf("the argument was changed from %v to %v", given, ranges)
		}
		for i := range int32(42) {
			want := slices.ContainsFunc(ranges, func(r trigger.PartitionRange) bool { return r.First <= i && i <= r.Last })
			if got := set.Contains(i); got != want {
				t.Errorf("%v made of %v: Contains(%d) = %t", set, ranges, i, got)
			}
		}
		for i := 1; i < len(set); i++ {
			if set[i].First <= set[i-1].Last+1 {
				t.Errorf("%v made of %v: ranges touch or are out of order", set, ranges)
			}
		}
	})
}
