package collector

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// Query asks for the offsets that a trigger looks at. Build it once a trigger,
// with [NewQuery], and use it for every call: it carries its own key.
type Query struct {
	trigger.Selection
	// MaxAge is how old an answer from memory may be.
	MaxAge time.Duration
	key    string
}

// Snapshot is one consistent view of a query's offsets. It is never changed
// after it is published, and two calls between two refreshes return the same
// pointer, so that a caller may keep what it computed from one.
type Snapshot struct {
	// Offsets are the selected partitions, sorted by topic and partition.
	Offsets []lag.Offsets
	// ObservedAt is the oldest ObservedAt of Offsets.
	ObservedAt time.Time
	// Err says what is wrong with the query as a whole: a named topic does not exist, the group may not
	// be read, no topic could be discovered. Offsets then lacks what it names. It is nil while the last
	// known good is young enough.
	Err error
}
