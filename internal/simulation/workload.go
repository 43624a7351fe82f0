package simulation

import (
	"fmt"
	"math"
	"time"
)

// Load says how a run's arrivals come about.
type Load struct {
	// Rate returns the records a second that arrive in all, at a time since the start of the run.
	Rate func(time.Duration) float64
	// Partitions is among how many partitions they are split, Skew how unevenly: the share of the r-th
	// largest is proportional to r^-Skew (Zipf). Which partition is the r-th is random.
	Partitions int
	Skew       float64
	// Weights, where there are any, are the partitions' shares in place of Skew, up to a factor.
	Weights []float64
	// Noise is the standard deviation of the relative, log-normal noise on the rate, and NoiseTime its
	// correlation time. Poisson arrivals come on top.
	Noise     float64
	NoiseTime time.Duration
	Seed      uint64
}

// Workload are the arrivals of a run, the same for every policy that is tried on it. It is never changed.
type Workload struct {
	partitions, steps int
	seed              uint64
	weights           []float64
	// ends has the log end offset of each partition at the start of each second: partition by partition,
	// steps+1 of each.
	ends []uint32
}

// MostSkew is the largest Zipf exponent of a load.
const MostSkew = 5

// mostCells bounds the memory of a workload: 4 bytes for each second of each partition.
const mostCells = 200_000_000

// mostRecords bounds how long a run takes, and keeps offsets far within 32 bits.
const mostRecords = 2_000_000_000

// NewWorkload draws the arrivals of so many seconds.
func NewWorkload(l Load, steps int) (*Workload, error) {
	switch {
	case l.Partitions < 1 || l.Partitions > MostPartitions:
		return nil, fmt.Errorf("partitions must be 1 to %d (got %d)", MostPartitions, l.Partitions)
	case steps < 1 || steps*l.Partitions > mostCells:
		return nil, fmt.Errorf("%d s x %d partitions are more than a run can hold (%d): take a shorter time or fewer partitions",
			steps, l.Partitions, mostCells)
	case l.Skew < 0 || l.Skew > MostSkew:
		return nil, fmt.Errorf("the skew must be 0 to %d (got %g)", MostSkew, l.Skew)
	}
	shares, err := l.shares()
	if err != nil {
		return nil, err
	}
	w := &Workload{
		partitions: l.Partitions, steps: steps, seed: l.Seed, weights: shares,
		ends: make([]uint32, (steps+1)*l.Partitions),
	}
	rates, err := l.rates(steps)
	if err != nil {
		return nil, err
	}
	w.draw(rates)
	return w, nil
}

// rates returns the mean arrivals of each second, noise included.
func (l *Load) rates(steps int) ([]float64, error) {
	random := streamOf(l.Seed, 'n')
	keep := 0.0
	if l.NoiseTime > 0 {
		keep = math.Exp(-1 / l.NoiseTime.Seconds())
	}
	rates := make([]float64, steps)
	total, x := 0.0, l.Noise*random.normal()
	for t := range rates {
		x = keep*x + math.Sqrt(1-keep*keep)*l.Noise*random.normal()
		r := l.Rate(time.Duration(t) * time.Second)
		if r < 0 || math.IsNaN(r) {
			return nil, fmt.Errorf("the rate at second %d is %g", t, r)
		}
		rates[t] = r * math.Exp(x-l.Noise*l.Noise/2)
		total += rates[t]
	}
	if total > mostRecords {
		return nil, fmt.Errorf("%.0f records are more than a run can take (%d): divide the arrivals and the service rate by the same number, or take a shorter time",
			total, mostRecords)
	}
	return rates, nil
}

func (w *Workload) draw(rates []float64) {
	for p := range w.partitions {
		random := streamOf(w.seed, 'a', p)
		ends := w.ends[p*(w.steps+1):][:w.steps+1]
		for t, r := range rates {
			ends[t+1] = ends[t] + random.poisson(r*w.weights[p])
		}
	}
}

// shares are the partitions' shares of what arrives.
func (l *Load) shares() ([]float64, error) {
	if l.Weights == nil {
		return weights(l.Partitions, l.Skew, l.Seed), nil
	}
	sum := 0.0
	for _, w := range l.Weights {
		if !(w >= 0) {
			return nil, fmt.Errorf("a partition's weight must not be negative (got %g)", w)
		}
		sum += w
	}
	if len(l.Weights) != l.Partitions || !(sum > 0) || math.IsInf(sum, 0) {
		return nil, fmt.Errorf("there must be a weight for each of %d partitions, and one above 0", l.Partitions)
	}
	shares := make([]float64, len(l.Weights))
	for i, w := range l.Weights {
		shares[i] = w / sum
	}
	return shares, nil
}

// weights are shares by Zipf's law, in random order.
func weights(n int, skew float64, seed uint64) []float64 {
	shares := make([]float64, n)
	sum := 0.0
	for r := range shares {
		shares[r] = math.Pow(float64(r+1), -skew)
		sum += shares[r]
	}
	random := streamOf(seed, 'w')
	for i := range shares {
		shares[i] /= sum
		j := int(random.uniform() * float64(i+1))
		shares[i], shares[j] = shares[j], shares[i]
	}
	return shares
}

// Weights are the partitions' shares of what arrives. They sum up to 1.
func (w *Workload) Weights() []float64 { return w.weights }

// Partitions is among how many partitions the records are split.
func (w *Workload) Partitions() int { return w.partitions }

// Steps is how many seconds there are.
func (w *Workload) Steps() int { return w.steps }

// LogEnd returns the log end offset of a partition at the start of a second, from 0 to Steps.
func (w *Workload) LogEnd(partition, step int) int64 {
	return int64(w.ends[partition*(w.steps+1)+step])
}

// Arrived returns how many records arrive from second from up to, and without, second to.
func (w *Workload) Arrived(from, to int) int64 {
	var n int64
	for p := range w.partitions {
		n += w.LogEnd(p, to) - w.LogEnd(p, from)
	}
	return n
}
