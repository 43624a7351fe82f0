package lag

// LogWait is a partition that is waited on at the end of its log.
type LogWait struct {
	TopicPartition
	// Offset is the end of the log as it is known: the wait is over once the end lies beyond it.
	Offset int64
}

// WakeReason says why the wait on a partition is over.
type WakeReason uint8

// The reasons of a [LogWake].
const (
	// WakeGrown: the log has an end beyond the offset that was waited at.
	WakeGrown WakeReason = iota
	// WakeShrunk: the log ends before that offset, or the broker does not know yet that it reaches so
	// far. Whoever waits has to read the end again.
	WakeShrunk
	// WakeMoved: the broker does not lead the partition, or not any more; it may be gone.
	WakeMoved
	// WakeDenied: the principal may not read the topic's records.
	WakeDenied
	// WakeFailed: the broker refuses for another reason.
	WakeFailed
	// WakeUnclear: the log has grown, but what the broker showed of it is no record, and it did not show all.
	// Whoever waits has to look at the rest.
	WakeUnclear
)

// String names the reason.
func (r WakeReason) String() string {
	return [...]string{"grown", "shrunk", "moved", "denied", "failed", "unclear"}[min(r, WakeUnclear)]
}

// LogWake is a partition that a broker had something to say about while its end was waited on.
type LogWake struct {
	TopicPartition
	Reason WakeReason
	// End and Start are the log end that was waited for (see [Position]) and the log start, as they were
	// after the wait had begun; [Unknown] where the broker did not tell. Only WakeGrown has them.
	End, Start int64
	// From is the offset that was waited at, and Seen what the broker showed of the offsets from there up to
	// End, on the way: not Taken where it showed none of them. Only WakeGrown has them.
	From int64
	Seen Sight
	// Err is what the broker said; nil for WakeGrown.
	Err error
}
