package policy

import (
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// distributeEvenly raises the value to the next replica count that may be asked for. It
// leaves what no such count is enough for to the cap. No lag stays no lag, where KEDA
// would ask for one replica.
func (p Policy) distributeEvenly(d *Decision, partitions int64) {
	target, threads := p.Target(), p.threads()
	need := ceilDiv(d.Value, target)
	most := ceilDiv(partitions, threads)
	switch {
	case d.Value <= 0:
		d.step(RuleEvenDistribution, d.Value, "no lag needs no replica")
		return
	case need > most:
		all := p.bound(partitions, partitions)
		d.step(RuleEvenDistribution, d.Value, fmt.Sprintf("%d replicas of %d are more than the %s", need, target, all.fed))
		return
	}
	var even int64
	var why string
	if p.EvenDistribution == NearDistribution {
		even = nextStep(partitions, threads, need)
		why = p.whyNear(partitions, even)
	} else {
		even = nextEven(partitions, threads, need)
		why = p.whyExact(partitions, even)
	}
	d.step(RuleEvenDistribution, mul(even, target), fmt.Sprintf("%s of %d would do; %d is %s: %d x %d",
		fault.Count(need, "replica"), target, even, why, even, target))
}

func (p Policy) whyExact(partitions, even int64) string {
	threads := p.threads()
	members := mul(even, threads)
	switch {
	case threads == 1:
		return fmt.Sprintf("the next count that divides %s evenly", p.count(partitions))
	case members > partitions || partitions%members != 0:
		return fmt.Sprintf("the next count, at which each of %s has a thread of its own", p.count(partitions))
	default:
		return fmt.Sprintf("the next count whose %d x %d threads divide %s evenly", even, threads, p.count(partitions))
	}
}

func (p Policy) whyNear(partitions, even int64) string {
	threads := p.threads()
	who := "replica"
	if threads > 1 {
		who = "thread"
	}
	return fmt.Sprintf("the lowest count at which no %s has more than %d of %s",
		who, ceilDiv(partitions, mul(even, threads)), p.count(partitions))
}

// nextEven is the lowest count n >= need for which n x threads divides the partitions, and
// the count that gives each partition a thread where there is no such n. need must be from 1
// to that count.
func nextEven(partitions, threads, need int64) int64 {
	if partitions%threads != 0 {
		return ceilDiv(partitions, threads)
	}
	return nextDivisor(partitions/threads, need)
}

// nextStep is the lowest count n >= need at which the busiest of n x threads members has fewer
// partitions than with n - 1: the counts ceil(partitions / (j x threads)) for j = 1, 2, ...
// need must be from 1 to ceil(partitions / threads).
func nextStep(partitions, threads, need int64) int64 {
	// With need replicas the busiest member has j partitions, and fewer replicas may do for the same j.
	j := ceilDiv(partitions, mul(need, threads))
	if lowest := ceilDiv(partitions, mul(j, threads)); lowest == need {
		return need
	}
	// Then j > 1: for j = 1 nothing below ceil(partitions / threads) does.
	return ceilDiv(partitions, mul(j-1, threads))
}
