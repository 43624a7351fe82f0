package trigger

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// PartitionSet is a set of partition ids, as ranges in ascending order that
// neither touch nor overlap: `0-2000000000` costs as much memory as `7`. The nil
// set means no limit; a set that is not nil and empty selects no partition at
// all, which KEDA's `kafka` trigger makes of a range written backwards.
type PartitionSet []PartitionRange

// PartitionRange are the partition ids from First to Last, both included.
type PartitionRange struct{ First, Last int32 }

// NewPartitionSet returns the set of the given ranges, in any order; never nil.
func NewPartitionSet(ranges ...PartitionRange) PartitionSet {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b PartitionRange) int { return cmp.Compare(a.First, b.First) })
	set := PartitionSet{}
	for _, r := range sorted {
		if r.First > r.Last {
			continue
		}
		// In 64 bits, because the id after the last possible one does not fit into 32.
		if n := len(set); n > 0 && int64(r.First) <= int64(set[n-1].Last)+1 {
			set[n-1].Last = max(set[n-1].Last, r.Last)
			continue
		}
		set = append(set, r)
	}
	return set
}

// Contains reports whether the set selects the partition, in time logarithmic in the number of ranges.
func (s PartitionSet) Contains(id int32) bool {
	if s == nil {
		return true
	}
	_, found := slices.BinarySearchFunc(s, id, func(r PartitionRange, id int32) int {
		switch {
		case r.Last < id:
			return -1
		case r.First > id:
			return 1
		default:
			return 0
		}
	})
	return found
}

// String renders the set as partitionLimitation takes it; "all" for no limit and "none" for the empty set.
func (s PartitionSet) String() string {
	if s == nil {
		return "all"
	}
	if len(s) == 0 {
		return "none"
	}
	parts := make([]string, len(s))
	for i, r := range s {
		parts[i] = strconv.Itoa(int(r.First))
		if r.Last > r.First {
			parts[i] += "-" + strconv.Itoa(int(r.Last))
		}
	}
	return strings.Join(parts, ",")
}

// partitionLimitation reads ids and ranges as KEDA's `kafka` trigger does (parsePartitionLimitation in
// kafka_scaler.go): decimal, 32 bits, blanks around any number. A backwards range is KEDA's way to an
// empty set; outside compatibility mode it is a problem.
func (p *parser) partitionLimitation(keda bool) PartitionSet {
	value, field, given := p.lookup("partitionLimitation")
	if !given {
		return nil
	}
	if n := strings.Count(value, ",") + 1; n > maxPartitionRanges {
		p.report(field, value, fmt.Sprintf("names %d partition ids and ranges, and a trigger may have %d", n, maxPartitionRanges), "write ranges such as 10-20")
		return nil
	}
	var ranges []PartitionRange
	for part := range strings.SplitSeq(value, ",") {
		part = strings.TrimSpace(part)
		r, ok := parsePartitionRange(part)
		switch {
		case !ok && strings.HasPrefix(part, "-"):
			p.report(field, value, "a partition id cannot be negative", "write ids from 0 to 2147483647")
		case !ok:
			p.report(field, value, strconv.Quote(shorten(part, maxValueShown))+" is neither a partition id nor a range of them", "write ids and ranges such as 1,2,10-20")
		case r.First > r.Last && !keda:
			p.report(field, value, "the range "+strconv.Quote(shorten(part, maxValueShown))+" is written backwards and selects nothing", "write the lower id first")
		default:
			ranges = append(ranges, r)
		}
	}
	return NewPartitionSet(ranges...)
}

func parsePartitionRange(part string) (PartitionRange, bool) {
	first, last, isRange := strings.Cut(part, "-")
	if !isRange {
		last = first
	}
	from, err1 := strconv.ParseInt(strings.TrimSpace(first), 10, 32)
	to, err2 := strconv.ParseInt(strings.TrimSpace(last), 10, 32)
	if err1 != nil || err2 != nil || from < 0 || to < 0 {
		return PartitionRange{}, false
	}
	return PartitionRange{First: int32(from), Last: int32(to)}, true
}
