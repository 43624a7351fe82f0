package lag

import (
	"strconv"
	"time"
)

// Markers for offsets that are not offsets. Kafka itself uses -1 for "no commit".
const (
	// NoCommit is the committed offset of a partition that the group never committed, or whose commit has expired.
	NoCommit int64 = -1
	// Unknown is a log start or log end offset that was never read successfully.
	Unknown int64 = -1
)

// TopicPartition names a partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// String renders the partition as Kafka's tools do: topic-partition.
func (tp TopicPartition) String() string { return tp.Topic + "-" + strconv.Itoa(int(tp.Partition)) }

// Offsets is what Kafka last said about one partition and about one group's
// position in it. All offsets are record offsets, in records, not bytes.
type Offsets struct {
	TopicPartition

	// Committed is the group's committed offset, the next record it will take, or [NoCommit].
	Committed int64
	// CommitOfEarlierLog says that Committed, which there is then, was made in another log than the present one:
	// before the topic was deleted and created again, restored or truncated, as its leader epoch shows. What is
	// known of the log, Inspected and Oldest, is then of use for no commit only: Oldest.Committed is [NoCommit].
	CommitOfEarlierLog bool
	// LogStart is the offset of the oldest retained record, or [Unknown].
	LogStart int64
	// LogEnd is the offset that the next record will get (the high watermark), or, for read_committed
	// consumers, the last stable offset; [Unknown] if it was never read. It is never read before
	// Committed: a LogEnd below Committed is a fact about the log, not a race of two reads.
	LogEnd int64

	// HighWatermark is the offset that the next record will get where LogEnd is the last stable offset, and
	// is of use nowhere else. It is only needed where Committed > LogEnd, and must be read no earlier than
	// both. Anything below LogEnd, the zero value and [Unknown] among it, means that it is not known.
	HighWatermark int64
	// Done is how many records between Committed and LogEnd the group is certainly done with although it has
	// not finished those before them; at least 0. Only share groups have such records. A Done that is too
	// small is safe: it comes from a LogEnd read before the group's own count.
	Done int64

	// StalledSince is since when Committed has stood at its present value with lag behind it, seen at both
	// ends and at every successful read between. The zero time means that the commit is not standing
	// still: there is none, or the newest successful read saw no lag behind it. A group that was caught up
	// for an hour and just got records has a StalledSince of now, not of an hour ago. Whoever reads the
	// offsets keeps it, with [StalledSince].
	StalledSince time.Time
	// MovedAt is when Committed was last seen at another value than before, in either direction; the zero
	// time means never. Whoever reads the offsets keeps it, with [MovedAt].
	MovedAt time.Time
	// ObservedAt is when the older of the two reads, commit and log end, was asked for. All three
	// offsets were true at that moment or later. The zero time means never.
	ObservedAt time.Time
	// Err is why the newest attempt to read this partition failed; nil if it succeeded. The offsets are
	// then those of the last attempt that succeeded, at ObservedAt.
	Err error

	// Inspected is what a look into the log showed; nil where nobody looked. It is shared and never changed.
	Inspected *Inspection
	// Oldest is how old the oldest unconsumed record is; nil where nobody asked. It is shared and never changed.
	Oldest *Oldest
}
