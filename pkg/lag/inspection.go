package lag

// Inspection is what reading a partition's log, from the commit on, has shown: whether
// the difference of two offsets is work at all. Transaction markers, records of aborted
// transactions and the gaps that compaction leaves have offsets like records, and no
// consumer ever gets them (KEDA issue 5675).
//
// It is a fact about one range of one log, and worth nothing for any other: it counts
// only where the offsets are the very ones that it was made for. Whoever keeps it
// drops it when the topic is made again, since the same offsets then mean other records.
type Inspection struct {
	// Committed and LogEnd are the offsets that it was made for. What was looked at begins at Committed, or
	// at the log start where that is larger, and ends before LogEnd.
	Committed, LogEnd int64
	// ReadCommitted says whose eyes it was made with. Consumers that read uncommitted get the records of
	// aborted transactions; for them only markers and gaps are empty.
	ReadCommitted bool
	// Empty says that every offset of the range was looked at and that none holds a record. False where one
	// was found, and where the look ended before LogEnd, for whatever reason.
	Empty bool
	// Err is why the look could not be taken, such as a topic that may not be read; nil where it was. The
	// lag then counts in full. It is for people to see.
	Err error
}

// provesEmpty reports whether the inspection was made for these very offsets and found no record.
func (in *Inspection) provesEmpty(o *Offsets, readCommitted bool) bool {
	return in != nil && in.Empty && in.Err == nil && in.ReadCommitted == readCommitted &&
		in.Committed == o.Committed && in.LogEnd == o.LogEnd
}
