package simulation

import "slices"

// assign splits partitions among members: the counts differ by at most one, and as few partitions move as
// that allows. It is blind to load, as Kafka's assignors are. members must be in a fixed order. It returns the
// partitions whose owner changed, and leaves members' lists to the caller.
func assign(partitions []*partition, members []*member) (moved []*partition) {
	if len(members) == 0 {
		for _, p := range partitions {
			if p.owner != nil {
				p.owner = nil
				moved = append(moved, p)
			}
		}
		return moved
	}
	quota := quotas(partitions, members)
	var free []*partition
	for _, p := range partitions {
		if p.owner != nil && quota[p.owner] > 0 {
			quota[p.owner]--
			continue
		}
		free = append(free, p)
	}
	for _, m := range members {
		n := quota[m]
		for _, p := range free[:n] {
			p.owner = m
		}
		moved = append(moved, free[:n]...)
		free = free[n:]
	}
	return moved
}

// quotas says how many partitions each member gets. Those that have the most now get one more where the
// division leaves a rest, so that they can keep it.
func quotas(partitions []*partition, members []*member) map[*member]int {
	has := make(map[*member]int, len(members))
	for _, p := range partitions {
		if p.owner != nil {
			has[p.owner]++
		}
	}
	order := slices.Clone(members)
	slices.SortStableFunc(order, func(a, b *member) int { return has[b] - has[a] })
	each, rest := len(partitions)/len(members), len(partitions)%len(members)
	quota := make(map[*member]int, len(members))
	for i, m := range order {
		quota[m] = each
		if i < rest {
			quota[m]++
		}
	}
	return quota
}
