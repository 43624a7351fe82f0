package policy

import (
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// replicaCap is the most replicas that have something to do.
type replicaCap struct {
	applies  bool
	replicas int64
	rule     Rule
	// what the replicas are fed by, for people: "5 partitions".
	fed string
}

// capped reports whether a cap applies. That an even distribution caps in spite of
// allowIdleConsumers is KEDA's rule: a count above the partitions is never even.
func (p Policy) capped() bool {
	return !p.AllowIdleConsumers || p.LimitToPartitionsWithLag || p.EvenDistribution != AnyDistribution
}

// bound is the cap for so many partitions, and so many with lag: each replica can have as
// many as it has threads.
func (p Policy) bound(partitions, lagging int64) replicaCap {
	c := replicaCap{applies: true, replicas: partitions, rule: RulePartitionCap, fed: p.count(partitions)}
	if p.LimitToPartitionsWithLag {
		c.replicas, c.rule, c.fed = lagging, RuleLaggingCap, p.count(lagging)+" with lag"
	}
	if k := p.threads(); k > 1 {
		c.replicas = ceilDiv(c.replicas, k)
		c.fed += fmt.Sprintf(" at %d a replica", k)
	}
	return c
}

// count names what can be assigned to members.
func (p Policy) count(partitions int64) string {
	if p.CoPartitioned {
		return fault.Count(partitions, "co-partitioned partition")
	}
	return fault.Count(partitions, "partition")
}

// countPartitions returns how many partitions can go to different members, and how many of
// them have lag.
func (p Policy) countPartitions(r *lag.Report) (partitions, lagging int64) {
	if !p.CoPartitioned {
		return int64(len(r.Partitions)), int64(r.Lagging)
	}
	ids := make(map[int32]bool, len(r.Partitions))
	for i := range r.Partitions {
		q := &r.Partitions[i]
		ids[q.Partition] = ids[q.Partition] || q.Lag > 0
	}
	for _, lags := range ids {
		if lags {
			lagging++
		}
	}
	return int64(len(ids)), lagging
}

// applyCap holds the value at the cap, exactly: KEDA's integer division lets almost one
// replica more pass (KEDA issue 4483).
func (p Policy) applyCap(d *Decision, c replicaCap) {
	most := mul(c.replicas, p.Target())
	relation, after := "<=", d.Value
	if d.Value > most {
		relation, after = ">", most
	}
	reason := fmt.Sprintf("%s %s at most %s: %d %s %d x %d", c.fed, feed(c.fed),
		fault.Count(c.replicas, "replica"), d.Value, relation, c.replicas, p.Target())
	if p.AllowIdleConsumers && p.EvenDistribution != AnyDistribution && !p.LimitToPartitionsWithLag {
		reason += "; an even distribution overrides allowIdleConsumers, as in KEDA"
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
	asked := ceilDiv(d.Value, p.Target())
	if asked >= c.replicas || mul(10, c.replicas) > mul(11, asked) {
		return
	}
	d.step(RuleLastReplicas, mul(c.replicas, p.Target()), fmt.Sprintf(
		"from %s the HPA's tolerance of 10 %% would never let it go on to the cap of %d (%d <= 1.1 x %d): %d x %d",
		fault.Count(asked, "replica"), c.replicas, c.replicas, asked, c.replicas, p.Target()))
}

// LargestValue is the largest metric value that is told, whatever it counts: up to it a float64
// holds every integer, and its thousandths, in which the HPA computes, fit an int64.
const LargestValue int64 = 1 << 53

// mostReplicas is the largest replica count of Kubernetes' API. Before 1.36 at the latest
// the HPA converts to it without a check.
const mostReplicas int64 = 1<<31 - 1

func (p Policy) keepInRange(d *Decision) {
	most := min(LargestValue, mul(mostReplicas, p.Target()))
	if d.Value > most {
		d.step(RuleLargestValue, most, fmt.Sprintf("%d is more than Kubernetes can compute with: %d", d.Value, most))
	}
}
