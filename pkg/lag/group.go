package lag

// GroupKind says by which protocol the members of a group share the work.
type GroupKind uint8

// The kinds of groups.
const (
	// KindUnknown: nobody has asked, or no broker has told.
	KindUnknown GroupKind = iota
	// KindClassic is a consumer group whose members assign the partitions among themselves. Connect sinks
	// are such groups, and Streams applications too unless they ask for their own protocol.
	KindClassic
	// KindConsumer is a consumer group whose coordinator assigns the partitions: KIP-848.
	KindConsumer
	// KindStreams is a Streams application whose coordinator assigns the tasks: KIP-1071.
	KindStreams
	// KindShare is a share group: KIP-932. Its members share partitions, so the number of partitions
	// bounds nothing. Its "commit" is the share-partition start offset.
	KindShare
	// KindSimple is a group that only commits: its consumers have assigned their partitions by hand, and
	// the broker knows no member.
	KindSimple
)

// String returns the kind as Kafka's tools name it.
func (k GroupKind) String() string {
	switch k {
	case KindClassic:
		return "classic"
	case KindConsumer:
		return "consumer"
	case KindStreams:
		return "streams"
	case KindShare:
		return "share"
	case KindSimple:
		return "simple"
	default:
		return "unknown"
	}
}

// Group is what a cluster says about a group as a whole.
type Group struct {
	// Name is the group's id.
	Name string
	// Kind is [KindUnknown] where it could not be found out: the group's lag is known all the same.
	Kind GroupKind
	// State is the group's state in Kafka's own words, such as Stable or Empty; empty where it is not known.
	State string
	// Members is how many members there are; -1 where that is not known, 0 for a group that sleeps.
	// It means nothing where Kind is [KindUnknown].
	Members int
	// Err is why the kind is not known, where that is worth telling.
	Err error
}
