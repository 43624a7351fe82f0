package scaler

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// entry is one trigger of one ScaledObject and what is remembered of it. Two
// triggers of one ScaledObject with the very same metadata share an entry.
type entry struct {
	// Fixed once the entry is made.
	namespace, name string
	metadata        map[string]string
	// err says why the metadata is no trigger; what follows is then nil.
	err     error
	trigger *trigger.Trigger
	// queries are one a consumer group, in the trigger's order.
	queries []*collector.Query
	spec    *pb.GetMetricSpecResponse

	// askedAt is when KEDA last asked, in nanoseconds since 1970.
	askedAt atomic.Int64
	// streams is how many open streams hold the entry.
	streams atomic.Int32
	// wasActive is what the last decision said that was one; false before the first.
	wasActive atomic.Bool

	mu   sync.Mutex
	last *evaluation
	// pinned is the evaluation that the next IsActive takes, if it comes before pinnedUntil.
	pinned      *evaluation
	pinnedUntil time.Time
	// memory is KEDA's previousOffsets: what earlier calls of GetMetrics saw, in KEDA compatibility only.
	memory lag.Memory
	// failing is the last failure that was logged; nil after a success.
	failing *loggedFailure
}

// Kubernetes' own bounds for names, in bytes. Ours go into logs and labels of metrics.
const (
	maxNamespace = 63
	maxName      = 253
)

// checkNames refuses what Kubernetes would not have taken either.
func checkNames(ref *pb.ScaledObjectRef) error {
	if len(ref.GetNamespace()) <= maxNamespace && len(ref.GetName()) <= maxName {
		return nil
	}
	return &fault.Error{
		Kind: fault.Invalid, Op: "look up", Object: "the ScaledObject",
		Err: fmt.Errorf("its namespace has %d bytes and its name %d, and Kubernetes allows %d and %d",
			len(ref.GetNamespace()), len(ref.GetName()), maxNamespace, maxName),
		Remedy: "ask with the names that the ScaledObject has in Kubernetes",
	}
}

// newEntry parses the metadata of ref.
func newEntry(ref *pb.ScaledObjectRef) *entry {
	e := &entry{namespace: ref.GetNamespace(), name: ref.GetName(), metadata: ref.GetScalerMetadata()}
	if e.err = checkNames(ref); e.err != nil {
		// No more of them is kept, and nothing of the metadata.
		e.namespace, e.name, e.metadata = e.namespace[:min(len(e.namespace), maxNamespace)], e.name[:min(len(e.name), maxName)], nil
		return e
	}
	e.trigger, e.err = trigger.Parse(e.metadata)
	if e.err != nil {
		return e
	}
	e.queries = collector.NewQueries(e.trigger.Selection, e.trigger.Lag.MaxAge, e.namespace)
	e.spec = &pb.GetMetricSpecResponse{MetricSpecs: []*pb.MetricSpec{{
		MetricName:      e.trigger.MetricName,
		TargetSize:      e.trigger.Policy.Target(),
		TargetSizeFloat: float64(e.trigger.Policy.Target()),
	}}}
	return e
}

// stateful says whether a value depends on the calls before it: KEDA's own
// excludePersistentLag compares successive calls.
func (e *entry) stateful() bool {
	return e.trigger.Policy.Compatibility == policy.KEDA && e.trigger.Lag.ExcludePersistent
}

// metric is the name under which the entry is observed; empty without a trigger.
func (e *entry) metric() string {
	if e.trigger == nil {
		return ""
	}
	return e.trigger.MetricName
}

// size estimates the memory that the metadata takes, in bytes.
func (e *entry) size() int {
	const perPair = 64
	n := len(e.namespace) + len(e.name)
	for k, v := range e.metadata {
		n += len(k) + len(v) + perPair
	}
	return n
}
