package simulation

// BusiestShares returns, for each number of replicas, the share of the arrivals that the busiest member gets:
// the least that the assignor gave in random walks over the sizes, for it is blind to load, and what it gives
// depends on the past. Where all partitions get the same it is ceil(P/n)/P.
func BusiestShares(weights []float64, sizes []int64, seed uint64) []float64 {
	// Many walks for few partitions, and at least two: what they cost grows with both.
	walks := min(300, 2+5_000_000/(len(weights)*len(sizes)))
	random := streamOf(seed, 'b')
	partitions := make([]*partition, len(weights))
	share := map[*partition]float64{}
	for i := range partitions {
		partitions[i] = &partition{}
		share[partitions[i]] = weights[i]
	}
	least := make([]float64, len(sizes))
	for i := range least {
		least[i] = 1
	}
	var members []*member
	for range walks {
		// Each walk passes every size.
		for _, i := range random.permutation(len(sizes)) {
			members = resized(members, partitions, int(sizes[i]))
			assign(partitions, members)
			least[i] = min(least[i], busiest(partitions, share))
		}
	}
	return least
}

// resized adds members, or takes the youngest away.
func resized(members []*member, partitions []*partition, n int) []*member {
	for len(members) < n {
		members = append(members, &member{})
	}
	for _, m := range members[n:] {
		for _, p := range partitions {
			if p.owner == m {
				p.owner = nil
			}
		}
	}
	return members[:n:n]
}

func busiest(partitions []*partition, share map[*partition]float64) float64 {
	sums := map[*member]float64{}
	most := 0.0
	for _, p := range partitions {
		sums[p.owner] += share[p]
		most = max(most, sums[p.owner])
	}
	return most
}

// Ladder are the sizes ceil(P/k) from least to most replicas, ascending: at each the busiest member has fewer
// partitions than at the one below.
func Ladder(partitions int, least, most int64) []int64 {
	var sizes []int64
	for k := partitions; k >= 1; k-- {
		n := int64((partitions + k - 1) / k)
		n = min(max(n, least), most)
		if len(sizes) == 0 || n > sizes[len(sizes)-1] {
			sizes = append(sizes, n)
		}
	}
	return sizes
}
