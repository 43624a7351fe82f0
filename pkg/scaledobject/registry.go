package scaledobject

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// When entries are forgotten.
const (
	// idleAfter is when an entry that nobody asked about is forgotten. KEDA asks at least once a
	// pollingInterval, 30 s unless set.
	idleAfter = 10 * time.Minute
	// invalidIdleAfter is the same for metadata that is no trigger. It is longer, and not by much, than the 1,000 s to
	// which the pauses grow after which KEDA repeats a reconcile that fails: the series by which an alert finds the
	// mistake must last from one to the next.
	invalidIdleAfter = 17 * time.Minute
	// correctedAfter is how much longer ago than for another trigger of its ScaledObject KEDA has asked about
	// metadata that is no trigger, when it counts as corrected: KEDA asks about all triggers in one go.
	correctedAfter = time.Minute
	// sweepEvery is how often idle entries are looked for.
	sweepEvery = 30 * time.Second
	// forgetEvery is how often decisions that have lost their worth are looked for.
	forgetEvery = time.Second
)

// limits bound what is remembered of ScaledObjects: whoever may write one, or reaches
// the port, can name as many as they like.
type limits struct {
	// entries and bytes bound the triggers that are remembered, and their metadata.
	entries, bytes int
	// perObject bounds the triggers of one ScaledObject, with those that were edited away.
	perObject int
	// streams bounds the streams in all: half of the memory that the process may use. bounds the
	// metadata that they keep from being forgotten, perTrigger the streams of one trigger.
	streams, heldBytes, perTrigger int
}

// StreamsPerTrigger bounds the streams of one trigger. KEDA holds one for each, and a second one while a connection
// that is gone without a word has not been noticed.
const StreamsPerTrigger = 4

// streamBytes is what an open stream takes, measured with 5,000 of them: 12 KiB of stack and 7 KiB of heap.
const streamBytes = 20 << 10

// limitsWithin returns the limits for a process that may use so many bytes of memory; 0 is any number.
func limitsWithin(memory int64) limits {
	l := limits{
		entries: 20_000, bytes: 64 << 20, perObject: 128,
		streams: 12_000, heldBytes: 32 << 20, perTrigger: StreamsPerTrigger,
	}
	if half := memory / 2 / streamBytes; half > 0 && half < int64(l.streams) {
		l.streams = int(half)
	}
	return l
}

// evictionSample is how many ScaledObjects are compared to find an old one when the registry is full.
const evictionSample = 16

// Registry remembers the triggers that KEDA asks about, so that each is parsed
// once. An entry is found by namespace, name and metadata together; nothing is
// allocated for one that is known.
type Registry struct {
	observer Observer
	limits   limits
	// headroom is asked before a trigger is looked into that nobody has asked about yet.
	headroom headroom
	contain  Contain

	mu         sync.RWMutex
	namespaces map[string]*namespace
	all        usage
	// planned are the triggers with targetLatency.
	planned map[*Entry]struct{}
	// opened counts the streams that were ever opened.
	opened uint64
}

// namespace are the ScaledObjects of one namespace.
type namespace struct {
	// objects hold their triggers by the ScaledObject's name, in no order. They are few, so that comparing the
	// metadata of all is quicker than a hash over a map would be.
	objects map[string][]*Entry
	usage
}

// usage is what entries take.
type usage struct {
	entries, bytes int
	// held and heldBytes are those of them that streams hold.
	held, heldBytes int
	streams         int
}

// NewRegistry returns an empty registry for a process that may use so many bytes of memory; 0 is any number. Open
// streams take at most half of it, and nothing new is taken up while half of it is in use. observer is told of the
// triggers and the decisions about them, and may be nil.
func NewRegistry(observer Observer, memory int64, contain Contain) *Registry {
	if observer == nil {
		observer = noObserver{}
	}
	return &Registry{
		observer: observer, limits: limitsWithin(memory), headroom: headroomWithin(memory), contain: contain,
		namespaces: make(map[string]*namespace), planned: make(map[*Entry]struct{}),
	}
}

// withPlan returns the triggers with targetLatency.
func (r *Registry) withPlan() []*Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Collect(maps.Keys(r.planned))
}

// Run forgets triggers that nobody asks about, and decisions that are past, until ctx ends.
func (r *Registry) Run(ctx context.Context) {
	triggers, decisions := time.NewTicker(sweepEvery), time.NewTicker(forgetEvery)
	defer triggers.Stop()
	defer decisions.Stop()
	var both sync.WaitGroup
	both.Go(func() { r.contain.every(ctx, triggers.C, "forget triggers", r.sweep) })
	both.Go(func() { r.contain.every(ctx, decisions.C, "forget decisions", r.forgetDecisions) })
	both.Wait()
}

// Get returns the entry for ref, made now if there is none, and notes that it was asked for. Where there is no
// room to remember it, the entry answers this one call.
func (r *Registry) Get(ref Ref) *Entry {
	e := r.peek(ref)
	if e == nil {
		e = r.add(r.newEntry(ref))
	}
	e.askedAt.Store(time.Now().UnixNano())
	return e
}

// Look returns the entry for ref, or one that is not remembered, and leaves no trace.
func (r *Registry) Look(ref Ref) *Entry {
	if e := r.peek(ref); e != nil {
		return e
	}
	return r.newEntry(ref)
}

// newEntry returns an entry that is not remembered yet, one with an error where the memory has no room for it.
func (r *Registry) newEntry(ref Ref) *Entry {
	if err := r.headroom.check(ref); err != nil {
		return refusedEntry(ref, err)
	}
	return newEntry(ref)
}

// peek returns the entry for ref, or nil.
func (r *Registry) peek(ref Ref) *Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return find(r.triggers(ref.Namespace, ref.Name), ref.Metadata)
}

// triggers returns the entries of a ScaledObject. The caller holds mu, be it for reading.
func (r *Registry) triggers(ns, name string) []*Entry {
	if n := r.namespaces[ns]; n != nil {
		return n.objects[name]
	}
	return nil
}

func find(triggers []*Entry, metadata map[string]string) *Entry {
	for _, e := range triggers {
		if maps.Equal(e.ref.Metadata, metadata) {
			return e
		}
	}
	return nil
}

// Of returns the entries of a ScaledObject that are remembered, by metric name.
func (r *Registry) Of(ns, name string) []*Entry {
	r.mu.RLock()
	found := slices.Clone(r.triggers(ns, name))
	r.mu.RUnlock()
	slices.SortStableFunc(found, func(a, b *Entry) int { return strings.Compare(a.Metric(), b.Metric()) })
	return found
}

// add remembers e, unless another caller was first: then it returns the other's.
// Where there is no room, e is not remembered, and answers this one call.
func (r *Registry) add(e *Entry) *Entry {
	e.askedAt.Store(time.Now().UnixNano())
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.remember(e)
}

// remember is add for a caller who holds mu.
func (r *Registry) remember(e *Entry) *Entry {
	triggers := r.triggers(e.ref.Namespace, e.ref.Name)
	if known := find(triggers, e.ref.Metadata); known != nil {
		return known
	}
	if e.unnamed || len(triggers) >= r.limits.perObject && !r.drop(oldest(triggers)) || !r.makeRoom(e.size()) {
		return e
	}
	n := r.namespaces[e.ref.Namespace]
	if n == nil {
		n = &namespace{objects: make(map[string][]*Entry)}
		r.namespaces[e.ref.Namespace] = n
	}
	n.objects[e.ref.Name] = append(n.objects[e.ref.Name], e)
	r.count(n, func(u *usage) { u.entries++; u.bytes += e.size() })
	e.remembered = true
	if e.plan = newPlan(e.trigger); e.plan != nil {
		r.planned[e] = struct{}{}
	}
	e.series.begin(r.observer.Observe(e.ref.Namespace, e.ref.Name, e.Metric()))
	if e.err != nil {
		e.series.decided(policy.Decision{Err: e.err}, time.Now())
	}
	return e
}

// count changes what a namespace and all of them together use.
func (r *Registry) count(n *namespace, change func(*usage)) {
	change(&n.usage)
	change(&r.all)
}

// makeRoom makes room for one entry more of that size, and reports whether there is.
func (r *Registry) makeRoom(size int) bool {
	for {
		var full func(*usage) int
		switch {
		case r.all.entries >= r.limits.entries:
			full = func(u *usage) int { return u.entries - u.held }
		case r.all.bytes+size > r.limits.bytes:
			full = func(u *usage) int { return u.bytes - u.heldBytes }
		default:
			return true
		}
		// Whoever fills the registry pushes out what is their own.
		n := r.fullest(full)
		if n == nil || !r.drop(n.sampleOldest()) {
			return false
		}
	}
}

// fullest returns the namespace that uses most; nil where none uses any.
func (r *Registry) fullest(by func(*usage) int) *namespace {
	var found *namespace
	most := 0
	for _, n := range r.namespaces {
		if used := by(&n.usage); used > most {
			found, most = n, used
		}
	}
	return found
}

// sampleOldest returns an old entry in the random order of a map: the oldest of
// all would cost a list that every RPC has to lock. It is nil where streams hold
// every entry.
func (n *namespace) sampleOldest() *Entry {
	candidates := make([]*Entry, 0, evictionSample)
	for _, triggers := range n.objects {
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
func oldest(entries []*Entry) *Entry {
	var found *Entry
	for _, e := range entries {
		if len(e.streams) == 0 && (found == nil || e.askedAt.Load() < found.askedAt.Load()) {
			found = e
		}
	}
	return found
}

// sweep drops what nobody asked about for too long, and what was corrected.
func (r *Registry) sweep(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var past []*Entry
	for _, n := range r.namespaces {
		for _, triggers := range n.objects {
			for _, e := range triggers {
				if e.idle(now) || e.corrected(triggers) {
					past = append(past, e)
				}
			}
		}
	}
	for _, e := range past {
		r.drop(e)
	}
}

// forgetDecisions drops the decisions that no call will take any more: of ten
// thousand triggers, a few hundred are asked about in a second, and each decision
// keeps a snapshot alive.
func (r *Registry) forgetDecisions(now time.Time) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, n := range r.namespaces {
		for _, triggers := range n.objects {
			for _, e := range triggers {
				e.forgetDecision(now)
			}
		}
	}
}

// idle reports whether nobody asked for too long. The caller holds the registry's mutex.
func (e *Entry) idle(now time.Time) bool {
	after := idleAfter
	if e.err != nil {
		after = invalidIdleAfter
	}
	return len(e.streams) == 0 && now.Sub(time.Unix(0, e.askedAt.Load())) > after
}

// corrected reports whether the entry is metadata that was no trigger and is not in its ScaledObject any more.
func (e *Entry) corrected(triggers []*Entry) bool {
	return e.err != nil && slices.ContainsFunc(triggers, func(other *Entry) bool {
		return time.Duration(other.askedAt.Load()-e.askedAt.Load()) > correctedAfter
	})
}

// drop forgets an entry, and reports false where there is none.
func (r *Registry) drop(e *Entry) bool {
	if e == nil || !e.remembered {
		return false
	}
	n := r.namespaces[e.ref.Namespace]
	n.objects[e.ref.Name] = slices.DeleteFunc(n.objects[e.ref.Name], func(other *Entry) bool { return other == e })
	r.count(n, func(u *usage) { u.entries--; u.bytes -= e.size() })
	if len(n.objects[e.ref.Name]) == 0 {
		delete(n.objects, e.ref.Name)
	}
	if n.entries == 0 {
		delete(r.namespaces, e.ref.Namespace)
	}
	e.remembered = false
	if e.plan != nil {
		delete(r.planned, e)
		e.plan.close()
	}
	e.series.close()
	return true
}
