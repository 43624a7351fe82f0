// Package lag defines what lag is: a pure function from what Kafka last said
// about a partition to the number of records that a consumer group still has to
// take from it, and the reason for that number.
//
//	 log start          committed                log end
//	    |                   |                       |
//	    v                   v                       v
//	----[===================|#######################]---->  offsets
//	     taken already        lag = end - committed
//
// Where the picture is not that simple, the reset policy of the consumers and
// the flags of the trigger decide (see [Reason] for every case):
//
//	no commit, policy latest     a consumer would start at the end: 1, so that one consumer
//	                             comes up and commits; 0 with scaleToZeroOnInvalidOffset
//	no commit, policy earliest   all that is retained: end - log start
//	committed < log start        retention has taken records: end - log start
//	committed > log end          truncated, restored or created again: what the policy would re-read, at least 1
//	commit of an earlier log     the same, as the leader epochs show
//	committed > last stable end  read_committed: an open transaction, nothing to do
//	no record up to the end      phantom lag, proved by a look into the log: 0
//	the commit stands still      persistent lag, where the trigger leaves it out: 0
//	the read failed              the last known good numbers while they are young enough, else unknown
//
// Unknown is never zero: a partition whose lag is not known carries an error,
// and [Report.Err] names it. So it is with ages, the time lag: [Report.AgeErr].
// What a look into the log may say, and for how long it counts, is defined by
// [Inspection], [Oldest] and [Interest].
//
// [Compute] is the corrected rule set. [ComputeKEDA] is KEDA's own `kafka`
// trigger of v2.21.0, bugs included, for users who want the very same numbers.
//
// The package knows no Kafka client, no clock and no logger: offsets and the
// present time are arguments.
package lag
