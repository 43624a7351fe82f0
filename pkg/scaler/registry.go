package scaler

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
)

// The bounds of the registry. Anyone who reaches the port can name ScaledObjects
// at will, so what is kept of them is bounded by age, number and size.
const (
	// idleAfter is when an entry that nobody asked about is forgotten. KEDA asks at least once a
	// pollingInterval, 30 s unless set.
	idleAfter = 10 * time.Minute
	// invalidIdleAfter is the same for metadata that is no trigger: it costs a parse to have it back.
	invalidIdleAfter = 2 * time.Minute
	// sweepEvery is how often idle entries are looked for.
	sweepEvery = 30 * time.Second
	// forgetEvery is how often decisions that have lost their worth are looked for.
	forgetEvery = time.Second
	maxEntries  = 20_000
	// maxTriggers bounds the triggers of one ScaledObject, with those that were edited away.
	maxTriggers = 128
	// maxBytes bounds the metadata kept, in bytes.
	maxBytes = 64 << 20
	// evictionSample is how many ScaledObjects are compared to find an old one when the registry is full.
	evictionSample = 16
)

// object names a ScaledObject or ScaledJob.
type object struct{ namespace, name string }

// registry remembers the triggers that KEDA asks about, so that each is parsed
// once. An entry is found by namespace, name and metadata together; nothing is
// allocated for one that is known.
type registry struct {
	forgotten  func(namespace, name, metric string)
	maxEntries int
	maxBytes   int

	mu sync.RWMutex
	// objects hold their triggers in no order. They are few, so that comparing the metadata of all is
	// quicker than a hash over a map would be.
	objects map[object][]*entry
	count   int
	bytes   int
}

func newRegistry(forgotten func(namespace, name, metric string)) *registry {
	return &registry{
		forgotten:  forgotten,
		maxEntries: maxEntries,
		maxBytes:   maxBytes,
		objects:    make(map[object][]*entry),
	}
}

// get returns the entry for ref, made now if there is none, and notes that it was asked for.
func (r *registry) get(ref *pb.ScaledObjectRef) *entry {
	e := r.peek(ref)
	if e == nil {
		e = r.add(newEntry(ref))
	}
	e.askedAt.Store(time.Now().UnixNano())
	return e
}

// peek returns the entry for ref, or nil.
func (r *registry) peek(ref *pb.ScaledObjectRef) *entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return find(r.objects[object{ref.GetNamespace(), ref.GetName()}], ref.GetScalerMetadata())
}

func find(triggers []*entry, metadata map[string]string) *entry {
	for _, e := range triggers {
		if maps.Equal(e.metadata, metadata) {
			return e
		}
	}
	return nil
}

// of returns the entries of a ScaledObject, by metric name.
func (r *registry) of(namespace, name string) []*entry {
	r.mu.RLock()
	found := slices.Clone(r.objects[object{namespace, name}])
	r.mu.RUnlock()
	slices.SortStableFunc(found, func(a, b *entry) int { return strings.Compare(a.metric(), b.metric()) })
	return found
}

// add keeps e, unless another caller was first: then it returns the other's.
func (r *registry) add(e *entry) *entry {
	e.askedAt.Store(time.Now().UnixNano())
	size := e.size()
	r.mu.Lock()
	defer r.mu.Unlock()
	o := object{e.namespace, e.name}
	if known := find(r.objects[o], e.metadata); known != nil {
		return known
	}
	if len(r.objects[o]) >= maxTriggers {
		r.drop(oldest(r.objects[o]))
	}
	for r.count >= r.maxEntries || r.bytes+size > r.maxBytes {
		if !r.drop(r.sampleOldest()) {
			break
		}
	}
	r.objects[o] = append(r.objects[o], e)
	r.count++
	r.bytes += size
	return e
}

// sampleOldest returns an old entry in the random order of a map: the oldest of
// all would cost a list that every RPC has to lock. It is nil where streams hold
// every entry.
func (r *registry) sampleOldest() *entry {
	candidates := make([]*entry, 0, evictionSample)
	for _, triggers := range r.objects {
		if e := oldest(triggers); e != nil {
			candidates = append(candidates, e)
		}
		if len(candidates) == evictionSample {
			break
		}
	}
	return oldest(candidates)
}

// oldest returns the entry asked for longest ago of those that no stream holds, or nil.
func oldest(entries []*entry) *entry {
	var found *entry
	for _, e := range entries {
		if e.streams.Load() == 0 && (found == nil || e.askedAt.Load() < found.askedAt.Load()) {
			found = e
		}
	}
	return found
}

// sweep drops what nobody asked about for too long.
func (r *registry) sweep(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var idle []*entry
	for _, triggers := range r.objects {
		for _, e := range triggers {
			if e.idle(now) {
				idle = append(idle, e)
			}
		}
	}
	for _, e := range idle {
		r.drop(e)
	}
}

// forgetDecisions drops the decisions that no call will take any more: of ten
// thousand triggers, a few hundred are asked about in a second, and each decision
// keeps a snapshot alive.
func (r *registry) forgetDecisions(now time.Time) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, triggers := range r.objects {
		for _, e := range triggers {
			e.forgetDecision(now)
		}
	}
}

func (e *entry) idle(now time.Time) bool {
	after := idleAfter
	if e.err != nil {
		after = invalidIdleAfter
	}
	return e.streams.Load() == 0 && now.Sub(time.Unix(0, e.askedAt.Load())) > after
}

// drop removes an entry, and reports false for nil. The observer hears of it only
// if no other trigger of the ScaledObject, such as the one that replaced it after
// an edit, has the same metric.
func (r *registry) drop(e *entry) bool {
	if e == nil {
		return false
	}
	o := object{e.namespace, e.name}
	left := slices.DeleteFunc(r.objects[o], func(other *entry) bool { return other == e })
	if r.objects[o] = left; len(left) == 0 {
		delete(r.objects, o)
	}
	r.count--
	r.bytes -= e.size()
	sameMetric := func(other *entry) bool { return other.metric() == e.metric() }
	if e.trigger != nil && !slices.ContainsFunc(left, sameMetric) {
		r.forgotten(e.namespace, e.name, e.metric())
	}
	return true
}
