package policy

// Compatibility selects whose arithmetic is used.
type Compatibility string

const (
	// Corrected is the default: KEDA's rules without its known bugs.
	Corrected Compatibility = ""
	// KEDA is bit-exact with KEDA's `kafka` trigger of v2.21.0.
	KEDA Compatibility = "keda"
)

// Policy are the parameters of a trigger that decide how lag becomes the metric.
type Policy struct {
	// LagThreshold is the HPA's target in records a replica; > 0.
	LagThreshold int64
	// ActivationLagThreshold is the lag in records that a sleeping workload tolerates; >= 0.
	ActivationLagThreshold int64
	// AllowIdleConsumers lifts the cap at the number of partitions.
	AllowIdleConsumers bool
	// LimitToPartitionsWithLag caps at the number of partitions that have lag.
	LimitToPartitionsWithLag bool
	// EnsureEvenDistribution is ensureEvenDistributionOfPartitions.
	EnsureEvenDistribution bool
	// Compatibility selects the arithmetic.
	Compatibility Compatibility
}
