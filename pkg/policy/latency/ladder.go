package latency

// ladder are the sizes worth having, ascending: the lowest number of replicas for each number of partitions
// that the busiest member has. No replica of such a size could be left out without giving the busiest
// member more to do; and no size between two of them takes anything off the busiest.
type ladder []int

// newLadder returns the sizes for so many partitions, each replica running so many members. There are about
// 2 x sqrt(partitions) of them.
func newLadder(partitions, threads int) ladder {
	var sizes ladder
	for n := 1; ; {
		sizes = append(sizes, n)
		busiest := ceilDiv(partitions, n*threads)
		if busiest <= 1 {
			return sizes
		}
		n = ceilDiv(partitions, (busiest-1)*threads)
	}
}

// at returns the place of the lowest size that is no less than n, or of the last one.
func (l ladder) at(n int) int {
	for i, size := range l {
		if size >= n {
			return i
		}
	}
	return len(l) - 1
}

// up returns the lowest size that is no less than n, and the highest size where there is none.
func (l ladder) up(n int) int { return l[l.at(n)] }

// below returns the highest size that is less than n, or 0.
func (l ladder) below(n int) int {
	smaller := 0
	for _, size := range l {
		if size < n {
			smaller = size
		}
	}
	return smaller
}

// top is the highest size.
func (l ladder) top() int { return l[len(l)-1] }

// ceilDiv is the smallest integer not below a / b, for a >= 0 and b > 0.
func ceilDiv(a, b int) int {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}
