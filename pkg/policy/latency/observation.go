package latency

import "time"

// GroupState is what the members of the group are doing.
type GroupState uint8

// The states of a group.
const (
	// StateUnknown: nobody could say.
	StateUnknown GroupState = iota
	// Stable: every member has its partitions.
	Stable
	// Rebalancing: partitions are being handed over.
	Rebalancing
	// Empty: the group has no member.
	Empty
)

// Markers for what is not known.
const (
	// UnknownOffset stands for an offset that could not be read.
	UnknownOffset int64 = -1
	// NoOwner stands for a partition without a member, or whose member is not known.
	NoOwner int32 = -1
	// UnknownMembers stands for a number of members that could not be read.
	UnknownMembers = -1
)

// Partition is what Kafka said about one partition and the group's position in it.
type Partition struct {
	// ID is the partition's number in its topic. It matters for co-partitioned topics only.
	ID int32
	// Owner is any number that stands for the member that has the partition, or NoOwner. A number means the
	// same member as long as the generation stays the same.
	Owner int32
	// LogEnd is the offset that the next record will get, or UnknownOffset.
	LogEnd int64
	// Committed is the group's committed offset; where there is none, the offset at which its consumers would
	// begin; UnknownOffset where neither is known.
	Committed int64
}

// Observation is what Kafka said about the group at one moment. The planner keeps nothing of it.
type Observation struct {
	// At is when it was read. An observation that is not later than the one before is ignored.
	At time.Time
	// State, Members and Generation describe the group. The generation is any number that changes with every
	// rebalance: the generation of a classic group, the epoch of a KIP-848 group.
	State      GroupState
	Members    int
	Generation int64
	// Partitions are all partitions of the trigger. They keep their places; new ones come at the end.
	// Another order, or fewer of them, is a Layout of its own.
	Partitions []Partition
	// Layout is any number that changes when the places mean other partitions than before. What was learned
	// about single partitions is then forgotten.
	Layout int64
}

// Arrivals is how many records came in a span of the past.
type Arrivals struct {
	// Start and End bound the span; at most 7 days old, at most a day long.
	Start, End time.Time
	// Records is how many came to all partitions together; at least 0.
	Records int64
}
