package scaledobject

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// Entry is one trigger of one ScaledObject and what is remembered of it. Two
// triggers of one ScaledObject with the very same metadata share an entry.
type Entry struct {
	parsed

	// askedAt is when KEDA last asked, in nanoseconds since 1970.
	askedAt atomic.Int64
	// wasActive is what the last decision said that was one; false before the first.
	wasActive atomic.Bool
	// series is where decisions are told, for as long as the entry is remembered.
	series series
	// plan is the planner of targetLatency; nil without it, and for an entry that was never remembered.
	plan *plan

	// The mutex of the registry guards these two.
	// remembered says that the registry has the entry.
	remembered bool
	// streams are the open streams that hold it, the oldest first.
	streams []*Stream

	mu sync.Mutex
	// cluster is what the decisions below, and memory, are about. One that replaces it knows nothing of them.
	cluster Snapshots
	last    *Evaluation
	// pinned is the evaluation that the next IsActive takes, if it comes before pinnedUntil.
	pinned      *Evaluation
	pinnedUntil time.Time
	// memory is KEDA's previousOffsets: what earlier calls of GetMetrics saw, in KEDA compatibility only.
	memory lag.Memory
	// failing is the last failure that was worth telling; nil after a success.
	failing *failure
}

// parsed is what an entry is made from. It never changes.
type parsed struct {
	ref Ref
	// unnamed says that no ScaledObject can have these names, which are not remembered.
	unnamed bool
	// err says why the metadata is no trigger; what follows is then nil.
	err     error
	trigger *trigger.Trigger
	// queries are one a consumer group, in the trigger's order.
	queries []*collector.Query
}

// Namespace is the ScaledObject's namespace, no longer than Kubernetes allows.
func (e *Entry) Namespace() string { return e.ref.Namespace }

// Name is the ScaledObject's name, no longer than Kubernetes allows.
func (e *Entry) Name() string { return e.ref.Name }

// Err says why the metadata is no trigger, or why nobody looked into it; nil for a trigger.
func (e *Entry) Err() error { return e.err }

// Trigger is what the metadata says; nil where Err is set. It must not be changed.
func (e *Entry) Trigger() *trigger.Trigger { return e.trigger }

// newEntry parses the metadata of ref.
func newEntry(ref Ref) *Entry { return &Entry{parsed: parse(ref)} }

// refusedEntry is an entry that is not looked into, and never remembered.
func refusedEntry(ref Ref, err error) *Entry { return &Entry{parsed: refused(ref, err)} }

// refused keeps no more of the names than Kubernetes allows, and nothing of the metadata.
func refused(ref Ref, err error) parsed { return parsed{ref: ref.cut(), err: err, unnamed: true} }

func parse(ref Ref) parsed {
	if err := ref.check(); err != nil {
		return refused(ref, err)
	}
	p := parsed{ref: ref}
	p.trigger, p.err = trigger.Parse(ref.Metadata)
	if p.err != nil {
		return p
	}
	p.queries = collector.NewQueries(p.trigger.Selection, p.trigger.Lag.MaxAge, ref.Namespace)
	return p
}

// stateful says whether a value depends on the calls before it: KEDA's own
// excludePersistentLag compares successive calls.
func (p *parsed) stateful() bool {
	return p.trigger.Policy.Compatibility == policy.KEDA && p.trigger.Lag.ExcludePersistent
}

// Metric is the name under which the entry is observed; empty without a trigger.
func (e *Entry) Metric() string {
	if e.trigger == nil {
		return ""
	}
	return e.trigger.MetricName
}

// size estimates the memory that the entry takes, in bytes. A query names all topics again, so that a trigger with many
// of both takes a multiple of its metadata.
func (p *parsed) size() int {
	const fixed, perPair, perTopic, perPlan = 1000, 64, 16, 4096
	n := fixed + len(p.ref.Namespace) + len(p.ref.Name)
	for k, v := range p.ref.Metadata {
		n += len(k) + len(v) + perPair
	}
	if p.trigger != nil {
		n += perTopic * len(p.trigger.Selection.Topics)
		if p.trigger.Latency != nil {
			n += perPlan
		}
	}
	for _, q := range p.queries {
		n += q.Size()
	}
	return n
}

// AskedAt is when KEDA last asked; the zero time where it never did.
func (e *Entry) AskedAt() time.Time {
	if nanos := e.askedAt.Load(); nanos != 0 {
		return time.Unix(0, nanos)
	}
	return time.Time{}
}

// agesAlone reports whether the passing of time alone can make the trigger active, or inactive.
func (p *parsed) agesAlone() bool { return p.trigger.Selection.Ages || p.trigger.Lag.ExcludePersistent }
