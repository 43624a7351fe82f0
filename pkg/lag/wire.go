package lag

import "time"

// These types are what a reader of Kafka (pkg/kafka) hands to a keeper of
// snapshots (pkg/collector). They live here because they are facts about
// offsets, and so that neither package has to know the other.

// NoLeaderEpoch is the leader epoch of an answer that has none.
const NoLeaderEpoch int32 = -1

// TopicPartitions names some partitions of one topic.
type TopicPartitions struct {
	Topic      string
	Partitions []int32
}

// Position says which offset of a log is asked for.
type Position uint8

// The positions of a log.
const (
	// End is the high watermark: the offset that the next record will get.
	End Position = iota
	// StableEnd is the last stable offset: what a read_committed consumer can reach.
	StableEnd
	// Start is the offset of the oldest retained record.
	Start
)

// String returns the position in a Kafka operator's words.
func (p Position) String() string {
	switch p {
	case StableEnd:
		return "last stable offset"
	case Start:
		return "log start offset"
	default:
		return "log end offset"
	}
}

// LogOffset is one partition's answer to a [Position].
type LogOffset struct {
	TopicPartition
	// Offset is meaningless where Err is set.
	Offset int64
	// Timestamp is that of the record at Offset, in milliseconds since 1970, where a time was asked for.
	Timestamp int64
	// LeaderEpoch is the epoch of the leader that answered, or [NoLeaderEpoch] where the broker does not
	// tell. An end of an older epoch than the group's commit comes from a leader that was replaced.
	LeaderEpoch int32
	Err         error
}

// Topic is what the cluster says about a topic.
type Topic struct {
	Name string
	// Partitions are the ids of its partitions, ascending. Empty where Err is set.
	Partitions []int32
	// LeaderEpochs are the epochs of their leaders, in the order of Partitions; nil where the broker is too
	// old to tell.
	LeaderEpochs []int32
	// ID is the topic's 16-byte id, or zero where the broker is too old to tell. A topic that was deleted
	// and made again has a new id.
	ID [16]byte
	// Internal marks Kafka's own topics.
	Internal bool
	// Err says why the topic cannot be read: it does not exist, or may not be described.
	Err error
}

// GroupTopics asks for a group's commits.
type GroupTopics struct {
	Group string
	// Topics are the partitions asked for; nil asks for every partition that the group has a commit for.
	Topics []TopicPartitions
}

// Commit is one partition's committed offset.
type Commit struct {
	TopicPartition
	// Offset is the committed offset or [NoCommit]; meaningless where Err is set. In a share group it is the
	// share-partition start offset.
	Offset int64
	// Left is how many records a share group has not finished, when Counted is set.
	Left    int64
	Counted bool
	// LeaderEpoch is the epoch of the leader that the group's last record came from, or [NoLeaderEpoch] where
	// the consumer or the broker does not tell.
	LeaderEpoch int32
	Err         error
}

// GroupCommits is the answer to a [GroupTopics].
type GroupCommits struct {
	Group string
	// Commits are the partitions asked for, in no order. Who is given them by a call of Commits of pkg/kafka
	// or pkg/collector must copy what is to outlive that.
	Commits []Commit
	// ReadAt is when the answer had arrived: a log end read asked for after it is never behind a commit.
	ReadAt time.Time
	// Kind is [KindShare] for a share group, and not known for others.
	Kind GroupKind
	// Err says why nothing is known of the group; Commits is then nil.
	Err error
}
