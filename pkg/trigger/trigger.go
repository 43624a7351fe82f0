package trigger

import (
	"regexp"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// Trigger is the metadata of one trigger, parsed and valid.
type Trigger struct {
	// Connection says which Kafka cluster.
	Connection Connection
	// Selection says which offsets of that cluster.
	Selection Selection
	// Lag says how offsets become lag.
	Lag lag.Rules
	// Policy says how lag becomes the metric.
	Policy policy.Policy
	// Latency is what targetLatency says; nil without it.
	Latency *Latency
	// MetricName is the name of the metric without KEDA's sN- prefix: what KEDA's own trigger would
	// give (`kafka-<topic>`, `kafka-<topic>,<topic>`, `kafka-<group>-topics`), normalised as KEDA does, and
	// with `-seconds` or `-replicas` behind it where it counts these.
	MetricName string
}

// Connection names a cluster, either by its name in the scaler's configuration
// or by its addresses. Exactly one of Cluster and BootstrapServers is set.
type Connection struct {
	// Cluster is the name of a cluster in the scaler's configuration.
	Cluster string
	// BootstrapServers are host:port addresses, in the order given.
	BootstrapServers []string
	// TLS is `tls: enable`.
	TLS bool
	// SASL is KEDA's sasl mode, or "none". Credentials never come with a trigger: a mode other than
	// "none" asks for a cluster of the configuration that has it.
	SASL string
}

// Selection says which offsets a trigger looks at.
type Selection struct {
	// ConsumerGroup is the group's id, the first one where there are several.
	ConsumerGroup string
	// ConsumerGroups are all of them, in the order given; never empty, and ConsumerGroup comes first. Each is
	// one lag report, in this order, for [policy.Policy.Decide].
	ConsumerGroups []string
	// Topics are the topics named, in the order given. Empty means TopicRegex, or, where that is empty
	// too, every topic that the group has commits for.
	Topics []string
	// TopicRegex selects topics by an RE2 expression that must match the whole name; empty for none.
	TopicRegex string
	// Partitions limits every topic to these partition ids.
	Partitions PartitionSet
	// ReadCommitted measures up to the last stable offset instead of the high watermark.
	ReadCommitted bool
	// AllTopicsWithoutCommit is KEDA compatibility: a trigger without topic whose group has no commit
	// at all counts every topic of the cluster (KEDA pull request 8114).
	AllTopicsWithoutCommit bool
	// DiscoveredTopicExpiry is the expiry of [lag.Interest.Outlived] for topics that nobody named; 0 for
	// never, as in KEDA compatibility.
	DiscoveredTopicExpiry time.Duration
	// Ages asks for [lag.Offsets].Oldest, the timestamp of the oldest unconsumed record.
	Ages bool
	// Inspect asks for [lag.Offsets].Inspected, a look into the log, where a small lag does not move. KEDA
	// compatibility has no use for it.
	Inspect bool

	// compiled is TopicRegex, anchored at both ends.
	compiled *regexp.Regexp
}

// keda reports whether the trigger asks for KEDA's own numbers.
func (t *Trigger) keda() bool { return t.Policy.Compatibility == policy.KEDA }

// Defaults of the parameters that KEDA does not have.
const (
	// DefaultMaxSnapshotAge is maxSnapshotAge.
	DefaultMaxSnapshotAge = 10 * time.Second
	// DefaultPersistentLagAfter is persistentLagAfter.
	DefaultPersistentLagAfter = time.Minute
	// DefaultDiscoveredTopicExpiry is discoveredTopicExpiry.
	DefaultDiscoveredTopicExpiry = 24 * time.Hour
)
