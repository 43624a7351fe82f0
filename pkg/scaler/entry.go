package scaler

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// entry is one trigger of one ScaledObject and what is remembered of it. Two
// triggers of one ScaledObject with the very same metadata share an entry.
type entry struct {
	parsed

	// askedAt is when KEDA last asked, in nanoseconds since 1970.
	askedAt atomic.Int64
	// wasActive is what the last decision said that was one; false before the first.
	wasActive atomic.Bool
	// series is where decisions are told, for as long as the entry is remembered.
	series series

	// The mutex of the registry guards these two.
	// remembered says that the registry has the entry.
	remembered bool
	// streams are the open streams that hold it, the oldest first.
	streams []*stream

	mu sync.Mutex
	// cluster is what the decisions below, and memory, are about. One that replaces it knows nothing of them.
	cluster Snapshots
	last    *evaluation
	// pinned is the evaluation that the next IsActive takes, if it comes before pinnedUntil.
	pinned      *evaluation
	pinnedUntil time.Time
	// memory is KEDA's previousOffsets: what earlier calls of GetMetrics saw, in KEDA compatibility only.
	memory lag.Memory
	// failing is the last failure that was logged; nil after a success.
	failing *loggedFailure
}

// parsed is what an entry is made from. It never changes.
type parsed struct {
	namespace, name string
	metadata        map[string]string
	// unnamed says that no ScaledObject can have these names, which are not remembered.
	unnamed bool
	// err says why the metadata is no trigger; what follows is then nil.
	err     error
	trigger *trigger.Trigger
	// queries are one a consumer group, in the trigger's order.
	queries []*collector.Query
	spec    *pb.GetMetricSpecResponse
}

// newEntry parses the metadata of ref.
func newEntry(ref *pb.ScaledObjectRef) *entry { return &entry{parsed: parse(ref)} }

// refusedEntry is an entry that is not looked into, and never remembered.
func refusedEntry(ref *pb.ScaledObjectRef, err error) *entry {
	return &entry{parsed: refused(ref, err)}
}

// refused keeps no more of the names than Kubernetes allows, and nothing of the metadata.
func refused(ref *pb.ScaledObjectRef, err error) parsed {
	ns, name := ref.GetNamespace(), ref.GetName()
	return parsed{namespace: ns[:min(len(ns), maxNamespace)], name: name[:min(len(name), maxName)], err: err, unnamed: true}
}

func parse(ref *pb.ScaledObjectRef) parsed {
	p := parsed{namespace: ref.GetNamespace(), name: ref.GetName(), metadata: ref.GetScalerMetadata()}
	if err := checkNames(ref); err != nil {
		return refused(ref, err)
	}
	p.trigger, p.err = trigger.Parse(p.metadata)
	if p.err != nil {
		return p
	}
	if p.err = latencyUnsupported(p.trigger); p.err != nil {
		p.trigger = nil
		return p
	}
	p.queries = collector.NewQueries(p.trigger.Selection, p.trigger.Lag.MaxAge, p.namespace)
	p.spec = &pb.GetMetricSpecResponse{MetricSpecs: []*pb.MetricSpec{{
		MetricName:      p.trigger.MetricName,
		TargetSize:      p.trigger.Policy.Target(),
		TargetSizeFloat: float64(p.trigger.Policy.Target()),
	}}}
	return p
}

// latencyUnsupported refuses targetLatency as long as nothing here decides by it: to scale by lag instead would be a
// number that nobody asked for.
func latencyUnsupported(t *trigger.Trigger) error {
	if t.Latency == nil {
		return nil
	}
	return &fault.Error{
		Kind: fault.Precondition, Op: "scale by", Object: "targetLatency",
		Err: errors.New("it is not supported by this build"), Remedy: "use lagThreshold or lagSecondsThreshold",
	}
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

// stateful says whether a value depends on the calls before it: KEDA's own
// excludePersistentLag compares successive calls.
func (p *parsed) stateful() bool {
	return p.trigger.Policy.Compatibility == policy.KEDA && p.trigger.Lag.ExcludePersistent
}

// metric is the name under which the entry is observed; empty without a trigger.
func (p *parsed) metric() string {
	if p.trigger == nil {
		return ""
	}
	return p.trigger.MetricName
}

// size estimates the memory that the entry takes, in bytes. A query names all topics again, so that a trigger with many
// of both takes a multiple of its metadata.
func (p *parsed) size() int {
	const fixed, perPair, perTopic = 1000, 64, 16
	n := fixed + len(p.namespace) + len(p.name)
	for k, v := range p.metadata {
		n += len(k) + len(v) + perPair
	}
	if p.trigger != nil {
		n += perTopic * len(p.trigger.Selection.Topics)
	}
	for _, q := range p.queries {
		n += q.Size()
	}
	return n
}

// series tells an observer of decisions until it is closed, whatever is still in
// flight then: so that nothing of a trigger outlives its entry. The zero value tells nobody.
type series struct {
	mu   sync.Mutex
	open scaledobject.Series
}

func (s *series) begin(open scaledobject.Series) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = open
}

func (s *series) decided(d policy.Decision, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil {
		s.open.Decided(d, at)
	}
}

func (s *series) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil {
		s.open.Close()
		s.open = nil
	}
}
