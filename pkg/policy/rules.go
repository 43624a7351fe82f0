package policy

import "fmt"

// replicaCap is the most replicas that have something to do.
type replicaCap struct {
	replicas int64
	rule     Rule
	// what the replicas are fed by, for people: "5 partitions".
	fed string
}

// capped reports whether a cap applies. That ensureEvenDistributionOfPartitions caps in
// spite of allowIdleConsumers is KEDA's rule: a count above the partitions is never even.
func (p Policy) capped() bool {
	return !p.AllowIdleConsumers || p.LimitToPartitionsWithLag || p.EnsureEvenDistribution
}

func (p Policy) bound(partitions, lagging int64) replicaCap {
	if p.LimitToPartitionsWithLag {
		return replicaCap{replicas: lagging, rule: RuleLaggingCap, fed: count(lagging, "partition") + " with lag"}
	}
	return replicaCap{replicas: partitions, rule: RulePartitionCap, fed: count(partitions, "partition")}
}

// distributeEvenly raises the value to the next replica count that gives each replica
// the same number of partitions. It leaves what no such count is enough for to the cap.
// No lag stays no lag, where KEDA would ask for one replica.
func (p Policy) distributeEvenly(d *Decision, partitions int64) {
	need := ceilDiv(d.Value, p.LagThreshold)
	switch {
	case d.Value <= 0:
		d.step(RuleEvenDistribution, d.Value, "no lag needs no replica")
	case need > partitions:
		d.step(RuleEvenDistribution, d.Value, fmt.Sprintf("%d replicas of %d are more than the %s",
			need, p.LagThreshold, count(partitions, "partition")))
	default:
		even := nextDivisor(partitions, need)
		d.step(RuleEvenDistribution, mul(even, p.LagThreshold), fmt.Sprintf(
			"%s of %d would do; %d is the next count that divides %s evenly: %d x %d",
			count(need, "replica"), p.LagThreshold, even, count(partitions, "partition"), even, p.LagThreshold))
	}
}

// applyCap holds the value at the cap, exactly: KEDA's integer division lets almost one
// replica more pass (KEDA issue 4483).
func (p Policy) applyCap(d *Decision, c replicaCap) {
	most := mul(c.replicas, p.LagThreshold)
	relation, after := "<=", d.Value
	if d.Value > most {
		relation, after = ">", most
	}
	reason := fmt.Sprintf("%s %s at most %s: %d %s %d x %d", c.fed, feed(c.replicas),
		count(c.replicas, "replica"), d.Value, relation, c.replicas, p.LagThreshold)
	if p.AllowIdleConsumers && p.EnsureEvenDistribution && !p.LimitToPartitionsWithLag {
		reason += "; ensureEvenDistributionOfPartitions overrides allowIdleConsumers, as in KEDA"
	}
	d.step(c.rule, after, reason)
}

// reachLastReplicas asks for the cap itself where the HPA would otherwise come to rest
// just below it. An HPA that has d replicas keeps them until the metric asks for more
// than 1.1 x d, and no metric within the cap can do that if cap <= 1.1 x d: 22 partitions
// never get more than 21 replicas once there are 21 (KEDA issues 2908, 4791). So a value
// that would lead to such a d leads to the cap instead.
//
// Where an HPA rests on such a count for another reason, see [Horizontal.Unreachable].
func (p Policy) reachLastReplicas(d *Decision, c replicaCap) {
	asked := ceilDiv(d.Value, p.LagThreshold)
	if asked >= c.replicas || mul(10, c.replicas) > mul(11, asked) {
		return
	}
	d.step(RuleLastReplicas, mul(c.replicas, p.LagThreshold), fmt.Sprintf(
		"from %s the HPA's tolerance of 10 %% would never let it go on to the cap of %d (%d <= 1.1 x %d): %d x %d",
		count(asked, "replica"), c.replicas, c.replicas, asked, c.replicas, p.LagThreshold))
}

// LargestValue is the largest metric value that is told, in records: up to it a float64
// holds every integer, and its thousandths, in which the HPA computes, fit an int64.
const LargestValue int64 = 1 << 53

// mostReplicas is the largest replica count of Kubernetes' API. Before 1.36 at the latest
// the HPA converts to it without a check.
const mostReplicas int64 = 1<<31 - 1

func (p Policy) keepInRange(d *Decision) {
	most := min(LargestValue, mul(mostReplicas, p.LagThreshold))
	if d.Value > most {
		d.step(RuleLargestValue, most, fmt.Sprintf("%d is more than Kubernetes can compute with: %d", d.Value, most))
	}
}
