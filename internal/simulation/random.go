package simulation

import "math"

// stream is a sequence of pseudo-random numbers (SplitMix64 by Steele, Lea and Flood). Its state is one word,
// so that each second of each partition can have a stream of its own, and the same numbers come out in
// whatever order a policy makes its consumers read.
type stream uint64

// streamOf returns the stream that a seed, a letter and numbers name. The same always give the same stream.
func streamOf(seed uint64, name rune, parts ...int) stream {
	s := stream(seed)
	s = stream(s.next() ^ uint64(name)) //nolint:gosec // a letter
	for _, p := range parts {
		s = stream(s.next() ^ uint64(p)) //nolint:gosec // any 64 bits will do
	}
	s.next()
	return s
}

func (s *stream) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// uniform returns a number from 0 up to, and without, 1.
func (s *stream) uniform() float64 { return float64(s.next()>>11) * 0x1p-53 }

// between returns a number from low up to high.
func (s *stream) between(low, high float64) float64 { return low + (high-low)*s.uniform() }

// permutation returns 0 to n-1 in random order.
func (s *stream) permutation(n int) []int {
	order := make([]int, n)
	for i := range order {
		j := int(s.uniform() * float64(i+1))
		order[i], order[j] = order[j], i
	}
	return order
}

// normal returns a number with mean 0 and standard deviation 1 (Box and Muller).
func (s *stream) normal() float64 {
	return math.Sqrt(-2*math.Log(1-s.uniform())) * math.Cos(2*math.Pi*s.uniform())
}

// poisson returns how many events there are where mean are expected. It adds up parts of at most 16, for
// exp(-16) is still exact and a sum of such counts is one again.
func (s *stream) poisson(mean float64) uint32 {
	var n uint32
	for mean > 0 {
		part := min(mean, 16)
		mean -= part
		limit := math.Exp(-part)
		for p := s.uniform(); p > limit; p *= s.uniform() {
			n++
		}
	}
	return n
}
