package lag

// Look asks for a look into a log, as an [Inspection] is made of: whether any of the
// offsets from From on and before To holds a record for the consumer. From must be
// less than To.
type Look struct {
	TopicPartition
	From, To int64
}

// Sight is the answer to a [Look].
type Sight struct {
	TopicPartition
	// Taken is false where the broker showed nothing of this log although it may be read: it had given its
	// bytes to other partitions, or does not lead this one. Another look may show something.
	Taken bool
	// Empty says that every offset of the range was seen and that none holds a record.
	Empty bool
	// Record says that there is a record for the consumer at Clear, or behind it in the same batch.
	Record bool
	// Clear is the offset up to which, from From on, no record was seen: at least From, at most To.
	Clear int64
	// Err is why this log cannot be looked into: most often, that the principal may not read the topic.
	Err error
}
