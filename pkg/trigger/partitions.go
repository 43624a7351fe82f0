package trigger

// PartitionSet is a set of partition ids. The nil set means no limit; a set that
// is not nil and empty selects no partition at all, which KEDA's `kafka` trigger
// makes of a range written backwards.
type PartitionSet []int32

// Contains reports whether the set selects the partition.
func (s PartitionSet) Contains(id int32) bool {
	if s == nil {
		return true
	}
	for _, p := range s {
		if p == id {
			return true
		}
	}
	return false
}
