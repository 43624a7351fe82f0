package trigger

import "slices"

// Parameter is one key of a trigger's metadata.
type Parameter struct {
	// Name is the key, spelt as KEDA spells it.
	Name string
	Type Type
	// Values are the values that an enum allows, case-sensitive.
	Values []string
	// Default is the value of a key that is absent or empty, as a user would write it; empty for none.
	Default string
	// Origin says whose parameter it is.
	Origin Origin
	// FromEnv says that `<Name>FromEnv` is read where Name itself is absent.
	FromEnv bool
	// Use says what becomes of it here.
	Use Use
	// Description is one sentence for the reference page.
	Description string
	// Instead says, for what is refused, where it belongs.
	Instead string
}

// Type is how a value is read. Blanks around any value are removed first.
type Type string

// The types of values.
const (
	// TypeString is taken as it stands.
	TypeString Type = "string"
	// TypeList is separated by commas; blanks around elements are removed, empty elements are left out.
	TypeList Type = "list"
	// TypeInt is a JSON integer of 64 bits, as KEDA reads it: 10.5, 1e3, 010 and +5 are none.
	TypeInt Type = "int"
	// TypeBool is what Go's strconv.ParseBool takes: 1, t, T, TRUE, true, True and their opposites.
	TypeBool Type = "bool"
	// TypeEnum is one of Values.
	TypeEnum Type = "enum"
	// TypeNumber is a decimal number: digits with at most one point. 1e3 is none.
	TypeNumber Type = "number"
	// TypeDuration is a Go duration: 10s, 1m30s.
	TypeDuration Type = "duration"
	// TypeRegex is an RE2 expression.
	TypeRegex Type = "regex"
	// TypePartitions are partition ids and ranges of them.
	TypePartitions Type = "partitions"
	// TypeVersion is a Kafka version, x.y.z or 0.x.y.z.
	TypeVersion Type = "version"
)

// Origin says whose parameter it is.
type Origin string

// The origins, as of KEDA v2.21.0.
const (
	// OriginKafka is KEDA's `kafka` trigger, OriginApacheKafka its `apache-kafka` trigger, OriginBoth both.
	OriginKafka       Origin = "kafka"
	OriginApacheKafka Origin = "apache-kafka"
	OriginBoth        Origin = "kafka, apache-kafka"
	// OriginExternal is KEDA's `external` trigger itself: how it reaches this scaler.
	OriginExternal Origin = "external"
	// OriginScaledObject is another part of the ScaledObject than a trigger's metadata.
	OriginScaledObject Origin = "ScaledObject"
	// OriginOurs is this scaler.
	OriginOurs Origin = "kafka-scaler"
)

// Use says what becomes of a parameter.
type Use uint8

const (
	// Read parameters decide something here.
	Read Use = iota
	// Ignored parameters are checked for their form and decide nothing.
	Ignored
	// Credential parameters are refused: a secret in trigger metadata is readable by everyone who may read the ScaledObject.
	Credential
	// Misplaced parameters are refused: KEDA reads them elsewhere, and would silently not do what the user asked.
	Misplaced
)

// Parameters returns every key that is known, in the order of the reference page
// docs/parameters.md, which is made from it. Parse takes names, types, defaults
// and enum values from here.
func Parameters() []Parameter {
	return slices.Concat(connectionParameters(), selectionParameters(), lagParameters(), policyParameters(), latencyParameters(),
		ignoredParameters(), credentialParameters(), misplacedParameters())
}

func connectionParameters() []Parameter {
	return []Parameter{
		{
			Name: "cluster", Type: TypeString, Origin: OriginOurs, FromEnv: true,
			Description: "Name of a cluster in the scaler's configuration, which holds addresses, TLS and credentials. Exactly one of `cluster` and `bootstrapServers`.",
		},
		{
			Name: "bootstrapServers", Type: TypeList, Origin: OriginBoth, FromEnv: true,
			Description: "Addresses `host:port` of brokers to begin with, at most 20. The scaler's configuration says which it allows.",
		},
		{
			Name: "tls", Type: TypeEnum, Values: []string{"enable", "disable"}, Default: "disable", Origin: OriginBoth,
			Description: "TLS to the brokers. Certificates belong into a cluster of the configuration.",
		},
		{
			Name: "sasl", Type: TypeEnum, Values: saslModes(), Default: "none", Origin: OriginBoth,
			Description: "SASL mechanism. Credentials never come with a trigger, so any value but `none` asks for a cluster of the configuration that has this mechanism.",
		},
	}
}

// saslModes are the modes of both triggers: oauthbearer is kafka's alone, aws_msk_iam apache-kafka's alone.
func saslModes() []string {
	return []string{"none", "plaintext", "scram_sha256", "scram_sha512", "oauthbearer", "gssapi", "aws_msk_iam"}
}

func selectionParameters() []Parameter {
	return []Parameter{
		{
			Name: "consumerGroup", Type: TypeList, Origin: OriginBoth, FromEnv: true,
			Description: "Id of the consumer group. Required. Several, at most 20, make one metric by `consumerGroupMode`. With `compatibility: keda` a comma is part of the id, as in KEDA.",
		},
		{
			Name: "consumerGroupMode", Type: TypeEnum, Values: []string{"sum", "max"}, Default: "sum", Origin: OriginOurs,
			Description: "How several consumer groups make one metric, each after its own caps. `sum`: a replica serves one of them. `max`: a replica serves all of them.",
		},
		{
			Name: "topic", Type: TypeList, Origin: OriginBoth, FromEnv: true,
			Description: "Topics that count, at most 1,000. Without it and without `topicRegex`: every topic that the group has committed offsets for.",
		},
		{
			Name: "topicRegex", Type: TypeRegex, Origin: OriginOurs, FromEnv: true,
			Description: "Expression that must match the whole name of a topic for it to count; at most 1024 bytes, [cheap to match](#how-values-are-read), and at most 1,000 topics. Not together with `topic`.",
		},
		{
			Name: "partitionLimitation", Type: TypePartitions, Origin: OriginBoth,
			Description: "Only these partitions count, of every topic: `1,2,10-20`; at most 1,000 ids and ranges. No effect without `topic` or `topicRegex`, as in KEDA.",
		},
		{
			Name: "isolationLevel", Type: TypeEnum, Values: []string{"read_uncommitted", "read_committed"}, Default: "read_uncommitted", Origin: OriginOurs,
			Description: "Whether lag ends at the high watermark or, as read_committed consumers see it, at the last stable offset.",
		},
		{
			Name: "discoveredTopicExpiry", Type: TypeDuration, Default: "24h", Origin: OriginOurs,
			Description: "A topic that nobody named stops counting when the group was seen at work without it, twice, this long apart, and never between with it; at least 1m. A sleeping group forgets nothing. Without `topic` and `topicRegex` only.",
		},
	}
}

func lagParameters() []Parameter {
	return []Parameter{
		{
			Name: "offsetResetPolicy", Type: TypeEnum, Values: []string{"latest", "earliest"}, Default: "latest", Origin: OriginBoth,
			Description: "The consumers' `auto.offset.reset`: what a partition counts that has no committed offset, or one that lies beyond the log end. `latest`: 1. `earliest`: every retained record.",
		},
		{
			Name: "scaleToZeroOnInvalidOffset", Type: TypeBool, Default: "false", Origin: OriginBoth,
			Description: "A partition without a committed offset counts 0. One whose committed offset lies beyond the log end counts by `offsetResetPolicy` all the same.",
		},
		{
			Name: "excludePersistentLag", Type: TypeBool, Default: "false", Origin: OriginBoth,
			Description: "A partition whose committed offset stands still counts 0 for the metric, and still counts for activation.",
		},
		{
			Name: "persistentLagAfter", Type: TypeDuration, Default: "1m", Origin: OriginOurs,
			Description: "For how long a committed offset must stand still before `excludePersistentLag` takes effect; at least 1s.",
		},
		{
			Name: "excludePersistentLagFromActivation", Type: TypeBool, Default: "false", Origin: OriginOurs,
			Description: "Persistent lag does not count for activation either, once another commit of the group moved `persistentLagAfter` or more into the standstill: that proves it to be stuck and not asleep.",
		},
		{
			Name: "maxSnapshotAge", Type: TypeDuration, Default: "10s", Origin: OriginOurs,
			Description: "Offsets read longer ago than this are no answer, and KEDA gets an error instead; from 1s to 5m.",
		},
	}
}

func policyParameters() []Parameter {
	return []Parameter{
		{
			Name: "lagThreshold", Type: TypeInt, Default: "10", Origin: OriginBoth,
			Description: "Lag in records that one replica is meant to have, the HPA's target; at least 1.",
		},
		{
			Name: "activationLagThreshold", Type: TypeInt, Default: "0", Origin: OriginBoth,
			Description: "The workload wakes from zero when lag is greater than this; at least 0.",
		},
		{
			Name: "lagSecondsThreshold", Type: TypeInt, Origin: OriginOurs,
			Description: "Makes the metric the age, in whole seconds, of the oldest unconsumed record, and is its target; at least 1. [What the HPA makes of it](lag.md#what-the-hpa-makes-of-seconds) depends on `metricType`. Instead of `lagThreshold`.",
		},
		{
			Name: "activationLagSeconds", Type: TypeInt, Origin: OriginOurs,
			Description: "The workload wakes from zero when the oldest unconsumed record is older than this many seconds; at least 0. Instead of `activationLagThreshold`, with either metric.",
		},
		{
			Name: "allowIdleConsumers", Type: TypeBool, Default: "false", Origin: OriginBoth,
			Description: "More replicas than partitions are allowed.",
		},
		{
			Name: "limitToPartitionsWithLag", Type: TypeBool, Default: "false", Origin: OriginBoth,
			Description: "No more replicas than partitions that have lag.",
		},
		{
			Name: "ensureEvenDistributionOfPartitions", Type: TypeBool, Default: "false", Origin: OriginBoth,
			Description: "Only replica counts that give every replica the same number of partitions: `evenDistribution: exact`.",
		},
		{
			Name: "evenDistribution", Type: TypeEnum, Values: []string{"exact", "near"}, Origin: OriginOurs,
			Description: "`exact`: only replica counts that give every thread the same number of partitions, and the one that gives each partition a thread. `near`: only the lowest count for each number of partitions that the busiest thread has, ceil(partitions / j) at one thread a replica.",
		},
		{
			Name: "partitionsPerReplica", Type: TypeInt, Default: "1", Origin: OriginOurs,
			Description: "How many partitions one replica works on at a time, each in a consumer thread of its own; at least 1. No more than ceil(partitions / this) replicas.",
		},
		{
			Name: "partitionAssignment", Type: TypeEnum, Values: []string{"independent", "copartitioned"}, Default: "independent", Origin: OriginOurs,
			Description: "How the partitions of several topics go to consumers. `independent`: each on its own (round-robin, sticky, uniform), so all of them count as one sum. `copartitioned`: those with the same id together (range, which is Java's default, and Streams), so the topic with the most partitions counts.",
		},
		{
			Name: "compatibility", Type: TypeEnum, Values: []string{"keda"}, Origin: OriginOurs,
			Description: "`keda`: the very numbers of KEDA's `kafka` trigger, its bugs included. Without it: the corrected rules.",
		},
	}
}

func latencyParameters() []Parameter {
	return []Parameter{
		{
			Name: "targetLatency", Type: TypeDuration, Origin: OriginOurs,
			Description: "How old a record may be when it is consumed, from 5s to 1h. The metric is then the number of replicas that keeps records within it as cheaply as possible, with target 1. Instead of `lagThreshold` and `lagSecondsThreshold`; activation stays as without it.",
		},
		{
			Name: "targetAttainment", Type: TypeNumber, Default: "0.999", Origin: OriginOurs,
			Description: "The share of records that are to be within `targetLatency`; above 0.5 and below 1.",
		},
		{
			Name: "maxReplicas", Type: TypeInt, Origin: OriginOurs,
			Description: "The most replicas that `targetLatency` asks for; from 1 to 2147483647. KEDA does not tell a scaler its `maxReplicaCount`. Without it, partitions alone limit them.",
		},
		{
			Name: "serviceRate", Type: TypeNumber, Origin: OriginOurs,
			Description: "Records a second that one busy replica consumes; above 0, at most 1000000000. Learned where it is absent.",
		},
		{
			Name: "startupDelay", Type: TypeDuration, Origin: OriginOurs,
			Description: "How long it takes from asking for a replica until it consumes; from 1s to 1h. Learned where it is absent.",
		},
		{
			Name: "changePrice", Type: TypeNumber, Default: "600", Origin: OriginOurs,
			Description: "What a change of size is worth, in replica-seconds, from 0 to 1000000: a high price is calm, a low one brisk.",
		},
		{
			Name: "latencyMode", Type: TypeEnum, Values: []string{"scale", "advise"}, Default: "scale", Origin: OriginOurs,
			Description: "`scale`: the metric is what `targetLatency` asks for. `advise`: it stays that of `lagThreshold` or `lagSecondsThreshold`, and what `targetLatency` would ask for is only shown.",
		},
	}
}

func ignoredParameters() []Parameter {
	return []Parameter{
		{
			Name: "fullMetadata", Type: TypeBool, Default: "true", Origin: OriginKafka, Use: Ignored,
			Description: "Metadata is always limited to the topics that are needed.",
		},
		{
			Name: "version", Type: TypeVersion, Origin: OriginKafka, Use: Ignored,
			Description: "API versions are negotiated with each broker.",
		},
		{
			Name: "saslTokenProvider", Type: TypeEnum, Values: []string{"bearer", "aws_msk_iam"}, Origin: OriginKafka, Use: Ignored,
			Description: "Where tokens come from is said by the cluster in the configuration.",
		},
		{
			Name: "awsRegion", Type: TypeString, Origin: OriginBoth, Use: Ignored,
			Description: "The region is said by the cluster in the configuration.",
		},
		{
			Name: "identityOwner", Type: TypeEnum, Values: []string{"pod", "operator"}, Origin: OriginBoth, Use: Ignored,
			Description: "Whose AWS identity is used is said by the cluster in the configuration.",
		},
		{
			Name: "scalerAddress", Type: TypeString, Origin: OriginExternal, Use: Ignored,
			Description: "Where KEDA reaches this scaler. KEDA requires it.",
		},
		{
			Name: "enableTLS", Type: TypeBool, Default: "false", Origin: OriginExternal, Use: Ignored,
			Description: "TLS between KEDA and this scaler.",
		},
		{
			Name: "unsafeSsl", Type: TypeBool, Default: "false", Origin: OriginKafka + ", " + OriginExternal, Use: Ignored,
			Description: "With `type: external`, KEDA does not verify this scaler's certificate. KEDA's `kafka` trigger uses the same key for the brokers' certificates, which is here the cluster's business in the configuration.",
		},
		{
			Name: "tlsCertFile", Type: TypeString, Origin: OriginExternal, Use: Ignored,
			Description: "How older KEDA versions named the CA of the connection to this scaler; a path in KEDA's own file system.",
		},
		{
			Name: "name", Type: TypeString, Origin: OriginScaledObject, Use: Ignored,
			Description: "A trigger's name belongs beside `metadata`; here it harms nothing.",
		},
	}
}
