package lag

import "time"

// ResetPolicy is the consumers' auto.offset.reset: where a group without a valid commit starts.
type ResetPolicy string

// The reset policies that KEDA's offsetResetPolicy knows.
const (
	Latest   ResetPolicy = "latest"
	Earliest ResetPolicy = "earliest"
)

// Rules are the parameters of a trigger that decide how offsets become lag.
type Rules struct {
	// ResetPolicy is offsetResetPolicy.
	ResetPolicy ResetPolicy
	// ZeroOnInvalidOffset is scaleToZeroOnInvalidOffset: a partition without a commit counts 0. As in KEDA, a
	// commit that the log does not have is one all the same.
	ZeroOnInvalidOffset bool
	// ReadCommitted says that LogEnd is the last stable offset, and that the consumers get no record of an
	// aborted transaction: isolationLevel read_committed.
	ReadCommitted bool
	// ExcludePersistent is excludePersistentLag: a partition whose commit does not move counts 0 for the
	// value, and still counts for activation.
	ExcludePersistent bool
	// PersistentAfter is for how long a commit must have stood still, with lag behind it, before it counts
	// as persistent; > 0. Nothing counts as persistent at 0 or less, because a lag left out by mistake
	// stops consumers and one counted by mistake does not. Only [Compute] uses it: KEDA's own rule counts
	// calls instead of time.
	PersistentAfter time.Duration
	// ExcludePersistentFromActivation is excludePersistentLagFromActivation: persistent lag does not count
	// for activation either, once the group was seen at work while the partition stood still: another
	// commit moved PersistentAfter or more into the standstill. Without that proof the group may be
	// asleep, and its lag is what has to wake it. No effect without ExcludePersistent.
	ExcludePersistentFromActivation bool
	// Ages asks for time lag: [Partition.Age] and the ages of the [Report].
	Ages bool
	// MaxAge is maxSnapshotAge: offsets observed longer ago than this are no answer.
	MaxAge time.Duration
}

// Reason says why a partition counts what it counts. The values are part of the CLI's and API's output.
type Reason string

// The reasons, in the order in which [Compute] tests them.
const (
	// ReasonUnknown: the offsets are older than the rules allow, or one that the rules need was never read.
	// Err says why.
	ReasonUnknown Reason = "unknown"
	// ReasonNoCommitIgnored: no commit, and scaleToZeroOnInvalidOffset is set: 0.
	ReasonNoCommitIgnored Reason = "no_commit_ignored"
	// ReasonNoCommitLatest: no commit, policy latest: 1, so that a consumer comes up and commits.
	ReasonNoCommitLatest Reason = "no_commit_latest"
	// ReasonNoCommitEarliest: no commit, policy earliest: every retained record.
	ReasonNoCommitEarliest Reason = "no_commit_earliest"
	// ReasonCommitOfEarlierLog: the commit was made in an earlier log of that name: [Offsets.CommitOfEarlierLog].
	// Consumers will be reset as with ReasonCommitPastEnd, or read on from the commit if they do not notice: the
	// larger of the two counts.
	ReasonCommitOfEarlierLog Reason = "commit_of_earlier_log"
	// ReasonCommitPastEnd: the commit lies beyond the log end, so the log was truncated or restored, or the
	// topic deleted and created again. Consumers will be reset: to the retained records under earliest, and to
	// the end under latest, which counts 1, so that a consumer comes up and commits.
	ReasonCommitPastEnd Reason = "commit_past_end"
	// ReasonCommitPastStable: read_committed only, the commit lies beyond the last stable offset and not
	// beyond the high watermark: the group has passed records of a transaction that is still open. 0.
	ReasonCommitPastStable Reason = "commit_past_stable"
	// ReasonCommitBelowStart: retention has removed records that the group had not taken; only what is retained counts.
	ReasonCommitBelowStart Reason = "commit_below_start"
	// ReasonPhantom: a look into the log has shown that none of the offsets up to the log end holds a record
	// for the group, only transaction markers, aborted transactions or gaps of compaction: 0 for the value
	// and for activation. See [Inspection].
	ReasonPhantom Reason = "phantom"
	// ReasonPersistent: excludePersistentLag is set and the commit has stood still for PersistentAfter with
	// lag behind it: 0 for the value, the whole lag for activation, or 0 for that too
	// (ExcludePersistentFromActivation).
	ReasonPersistent Reason = "persistent"
	// ReasonLagging: the ordinary case with work to do, log end - committed.
	ReasonLagging Reason = "lagging"
	// ReasonCaughtUp: the ordinary case without work, 0.
	ReasonCaughtUp Reason = "caught_up"
	// ReasonEndMissing: KEDA compatibility only, the broker's answer left the log end out. KEDA counts no
	// lag for the partition, and does not count the partition either.
	ReasonEndMissing Reason = "end_missing"
	// ReasonNegative: KEDA compatibility only, commit beyond the log end counts as a negative number.
	ReasonNegative Reason = "negative"
)

// Partition is one partition's lag and why it is that.
type Partition struct {
	Offsets
	// Lag is what the partition adds to the metric, in records; 0 where Err is set.
	Lag int64
	// ActivationLag is what it adds to the activation test. It differs from Lag for persistent lag only.
	ActivationLag int64
	// Excluded is the lag that Reason left out of Lag, in offsets: phantom and persistent lag. 0 elsewhere,
	// and always in KEDA compatibility.
	Excluded int64
	// Lost is how many records retention removed before the group took them: log start - committed, at
	// least 0, and 0 where either is not known.
	Lost int64
	// Age is how old the oldest unconsumed record is, where Rules.Ages asks for it: 0 exactly where
	// ActivationLag is 0, else at least a millisecond, and -1 where it is not known.
	Age time.Duration
	// AgeErr is set exactly where Age is -1, and says why. It is a *fault.Error.
	AgeErr error
	// Reason says which case of the rules applied.
	Reason Reason
	// Err is set exactly where Reason is [ReasonUnknown]: the lag is not known, and why. It shadows
	// Offsets.Err, which may be set on a partition whose last known good still counts.
	Err error
}

// Report is the lag of a trigger: all its partitions and their sums.
type Report struct {
	// Partitions are in the order of the offsets given.
	Partitions []Partition
	// Total is the sum of Lag, Activation that of ActivationLag, Lost that of Lost. A sum beyond the range
	// of int64 is the nearest number in it.
	Total, Activation, Lost int64
	// Phantom and Persistent are the sums of Excluded, by reason.
	Phantom, Persistent int64
	// Lagging is how many partitions have Lag > 0.
	Lagging int
	// ObservedAt is the oldest ObservedAt of the partitions: how old the answer is. The zero time means
	// that a partition was never read.
	ObservedAt time.Time
	// Err is not nil where any partition's lag is unknown, and where there are no partitions at all; it is
	// a *fault.Error that names the first few and counts the rest. The sums are then those of the partitions
	// that are known, and the true ones are no less; in KEDA compatibility they mean nothing.
	Err error

	// Age is that of the oldest record that adds to Total, ActivationAge that of the oldest that adds to
	// Activation; 0 exactly where there is none. Only where Rules.Ages asks for them.
	Age, ActivationAge time.Duration
	// AgeErr is not nil where Age is not known, because that of a partition with Lag > 0 is not;
	// ActivationAgeErr the same for ActivationAge and ActivationLag. Age and ActivationAge are then those of
	// the partitions that are known, and the true ones are no less.
	AgeErr, ActivationAgeErr error

	// Group is whose lag it is. Who computes the report sets it, as far as it is known.
	Group Group
}
