package policy

// Compatibility selects whose arithmetic is used.
type Compatibility string

const (
	// Corrected is the default: KEDA's rules without its known bugs.
	Corrected Compatibility = ""
	// KEDA is bit-exact with KEDA's `kafka` trigger of v2.21.0.
	KEDA Compatibility = "keda"
)

// EvenDistribution says which replica counts may be asked for. n replicas of k threads each are n x k
// members of the group, and the one with the most of P partitions has ceil(P / (n x k)) of them.
type EvenDistribution string

const (
	// AnyDistribution allows every count.
	AnyDistribution EvenDistribution = ""
	// ExactDistribution allows the counts that give every member the same number of partitions, and the one
	// that gives every partition a member of its own: ensureEvenDistributionOfPartitions.
	ExactDistribution EvenDistribution = "exact"
	// NearDistribution allows the lowest count for each number of partitions that the busiest member has: no
	// replica of these could be left out without giving the busiest more to do. With one thread that is
	// 1, 2, 3, 4, 6 and 12 for 12 partitions, as with exact, and 1, 2, 3, 4 and 7 for 7, which exact takes
	// from 1 straight to 7.
	NearDistribution EvenDistribution = "near"
)

// GroupMode says how several consumer groups make one metric.
type GroupMode string

const (
	// SumOfGroups adds them up: each replica serves one of the groups.
	SumOfGroups GroupMode = ""
	// MaxOfGroups takes the largest: each replica serves all of them.
	MaxOfGroups GroupMode = "max"
)

// Unit is what a metric's value and target count.
type Unit string

const (
	// Records of lag.
	Records Unit = "records"
	// Seconds of age of the oldest unconsumed record, rounded up.
	Seconds Unit = "seconds"
	// Millireplicas are thousandths of a replica: what targetLatency asks for. The target is one replica.
	Millireplicas Unit = "millireplicas"
)

// Policy are the parameters of a trigger that decide how lag becomes the metric.
type Policy struct {
	// LagThreshold is the HPA's target in records a replica; > 0. Without effect where LagSecondsThreshold
	// is set.
	LagThreshold int64
	// LagSecondsThreshold, where greater than 0, makes the metric the age of the oldest unconsumed record,
	// and is its target; in seconds. The reports must have been computed with [lag.Rules].Ages.
	LagSecondsThreshold int64
	// ActivationLagThreshold is the lag in records that a sleeping workload tolerates; >= 0.
	ActivationLagThreshold int64
	// ActivateOnAge makes ActivationLagSeconds decide instead of ActivationLagThreshold, whatever the metric
	// counts. It needs Ages too.
	ActivateOnAge bool
	// ActivationLagSeconds is the age of the oldest unconsumed record that a sleeping workload tolerates, in
	// seconds; >= 0.
	ActivationLagSeconds int64
	// AllowIdleConsumers lifts the cap at the number of partitions.
	AllowIdleConsumers bool
	// LimitToPartitionsWithLag caps at the number of partitions that have lag.
	LimitToPartitionsWithLag bool
	// EvenDistribution is evenDistribution, or ensureEvenDistributionOfPartitions.
	EvenDistribution EvenDistribution
	// PartitionsPerReplica is how many partitions one replica can work on at a time, each with a member of
	// its own; 0 counts as 1. P partitions feed at most ceil(P / PartitionsPerReplica) replicas.
	PartitionsPerReplica int64
	// CoPartitioned says that partitions with the same id go to the same member, whatever their topic: what
	// feeds replicas is then the number of different ids, and not that of all partitions.
	CoPartitioned bool
	// Groups says how several consumer groups make one metric.
	Groups GroupMode
	// Compatibility selects the arithmetic. [KEDA] knows one group, records and no parameter that the
	// `kafka` trigger does not have: it looks at no other.
	Compatibility Compatibility
}

// Unit is what the metric counts.
func (p Policy) Unit() Unit {
	m, _ := p.effective().metric()
	return m.unit()
}

// Target is the HPA's target, in Unit a replica.
func (p Policy) Target() int64 {
	_, target := p.effective().metric()
	return target
}

// NeedsAges reports whether reports must have been computed with [lag.Rules].Ages.
func (p Policy) NeedsAges() bool {
	p = p.effective()
	value, _ := p.metric()
	activation, _ := p.activation()
	return value == byAge || activation == byAge
}

// metric is what the metric measures, and its target.
func (p Policy) metric() (m measure, target int64) {
	if p.LagSecondsThreshold > 0 {
		return byAge, p.LagSecondsThreshold
	}
	return byRecords, p.LagThreshold
}

// activation is what activation measures, and how much of it a workload that sleeps tolerates.
func (p Policy) activation() (m measure, tolerated int64) {
	if p.ActivateOnAge {
		return byAge, p.ActivationLagSeconds
	}
	return byRecords, p.ActivationLagThreshold
}

// threads is PartitionsPerReplica, at least 1.
func (p Policy) threads() int64 { return max(1, p.PartitionsPerReplica) }
