package scaledobject

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

func newTestRegistry(o *seen) *Registry { return NewRegistry(o, 0, uncontained) }

func TestRegistryFindsByWhatIsWritten(t *testing.T) {
	r := newTestRegistry(&seen{})
	first := r.Get(ref("worker"))
	if r.Get(ref("worker")) != first {
		t.Error("the same metadata made a second entry")
	}
	for name, other := range map[string]Ref{
		"another name":      ref("worker2"),
		"another namespace": {Name: "worker", Namespace: "test", Metadata: ref("worker").Metadata},
		"another value":     ref("worker", "lagThreshold", "11"),
		"another key":       ref("worker", "lagThreshold", "", "activationLagThreshold", "10"),
		"one key more":      ref("worker", "sasl", "none"),
		"one key less":      ref("worker", "lagThreshold", ""),
		"values exchanged":  ref("worker", "topic", "billing", "consumerGroup", "orders"),
	} {
		if r.Get(other) == first {
			t.Errorf("%s: got the same entry", name)
		}
	}
}

func TestLimitsFitTheMemory(t *testing.T) {
	for memory, want := range map[int64]int{0: 12_000, math.MaxInt64: 12_000, 512 << 20: 12_000, 224 << 20: 5734} {
		if got := limitsWithin(memory).streams; got != want {
			t.Errorf("%d MiB: %d streams, want %d", memory>>20, got, want)
		}
	}
}

// TestRegistryParsedTwice: of two callers with a new trigger, one entry remains.
func TestRegistryParsedTwice(t *testing.T) {
	r := newTestRegistry(&seen{})
	first := r.add(newEntry(ref("worker")))
	if second := r.add(newEntry(ref("worker"))); second != first || r.all.entries != 1 {
		t.Errorf("%d entries", r.all.entries)
	}
}

func TestRegistryAllocatesNothingForWhatItKnows(t *testing.T) {
	r := newTestRegistry(&seen{})
	for name, object := range map[string]Ref{"valid": ref("worker"), "invalid": ref("worker", "lagThreshold", "x")} {
		r.Get(object)
		if n := testing.AllocsPerRun(100, func() { r.Get(object) }); n != 0 {
			t.Errorf("%s: %v allocations for a known trigger", name, n)
		}
	}
}

// hold opens a stream for e, which must be possible.
func hold(t *testing.T, r *Registry, e *Entry) *Stream {
	t.Helper()
	s, err := r.Open(e, func() {})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRegistryForgetsWhatNobodyAsksAbout(t *testing.T) {
	o := &seen{}
	r := newTestRegistry(o)
	asked, invalid, streamed := r.Get(ref("worker")), r.Get(ref("wrong", "lagThreshold", "x")), r.Get(ref("streamed"))
	held := hold(t, r, streamed)
	r.sweep(time.Now().Add(idleAfter - time.Second))
	if r.peek(ref("worker")) != asked {
		t.Error("forgotten too soon")
	}
	r.sweep(time.Now().Add(idleAfter + time.Second))
	if r.peek(ref("worker")) != nil || r.peek(ref("wrong", "lagThreshold", "x")) != invalid {
		t.Error("after idleAfter only the valid one should be gone")
	}
	r.sweep(time.Now().Add(invalidIdleAfter + time.Second))
	if r.peek(ref("wrong", "lagThreshold", "x")) != nil {
		t.Error("an idle entry was kept")
	}
	if r.peek(ref("streamed")) != streamed {
		t.Error("an entry with an open stream was dropped")
	}
	if got := strings.Join(o.forgotten, " "); got != "shop/worker/kafka-orders shop/wrong/" {
		t.Errorf("observer was told of %q", got)
	}
	held.Close()
	r.sweep(time.Now().Add(idleAfter + time.Second))
	if r.all != (usage{}) || len(r.namespaces) != 0 {
		t.Errorf("left: %+v, %d namespaces", r.all, len(r.namespaces))
	}
}

// TestInvalidMetadataIsShownUntilItIsCorrected: an alert finds a mistake by its series, for as long as it is one.
func TestInvalidMetadataIsShownUntilItIsCorrected(t *testing.T) {
	o := &seen{}
	r := newTestRegistry(o)
	wrong, right, other := ref("worker", "topick", "x"), ref("worker"), ref("worker", "topic", "payments")
	r.Get(right)
	first := time.Now()
	ask := func(at time.Duration, objects ...Ref) {
		for _, object := range objects {
			r.Get(object).askedAt.Store(first.Add(at).UnixNano())
		}
		r.sweep(first.Add(at))
	}
	expect := func(when string, want int) {
		t.Helper()
		if got := o.open["shop/worker/"]; got != want {
			t.Errorf("%s: %d series of metadata that is no trigger, want %d", when, got, want)
		}
	}
	ask(0, wrong, other)
	expect("a mistake", 1)
	if d := o.decisions[len(o.decisions)-1]; fault.KindOf(d.Err) != fault.Invalid || d.Err == nil {
		t.Errorf("told %+v, want an error of kind invalid", d)
	}
	ask(9*time.Minute, wrong, other)
	ask(9*time.Minute+30*time.Second, other)
	expect("KEDA asks about all of a ScaledObject's triggers, one a little later", 1)
	ask(9*time.Minute+40*time.Second, right, other)
	expect("corrected a moment ago", 1)
	ask(10*time.Minute+1*time.Second, right, other)
	expect("corrected, with metadata that was known before", 0)
	ask(11*time.Minute, wrong)
	expect("wrong again", 1)
	r.sweep(first.Add(11*time.Minute + 1000*time.Second))
	expect("KEDA repeats a reconcile that fails after 1,000 s", 1)
	r.sweep(first.Add(11*time.Minute + invalidIdleAfter + time.Second))
	expect("deleted", 0)
}

// TestSeriesGoWithTheirEntries fills the registry in each way that there is, with evaluations in
// flight, and empties it: nothing is left, and nothing is told after the end.
func TestSeriesGoWithTheirEntries(t *testing.T) {
	o := &seen{}
	v := NewEvaluator(fixedCluster{snapshot: snapshotOf(5)}, uncontained)
	r := newTestRegistry(o)
	r.limits.entries = 200
	var callers sync.WaitGroup
	for caller := range 8 {
		callers.Go(func() {
			for i := range 400 {
				name := fmt.Sprint("worker-", (caller+i)%7*(i%3))
				object := ref(name, "lagThreshold", fmt.Sprint(i%300), "topic", fmt.Sprint("orders-", i%150))
				switch i % 4 {
				case 0:
					if e := r.Get(object); e.err == nil {
						_, _ = v.Measure(t.Context(), e)
					}
				case 1:
					if e := r.Get(object); e.err == nil {
						_, _ = v.Activity(t.Context(), e)
					}
				case 2:
					_ = r.Get(ref(name, "topic", fmt.Sprint("t", i))).undecided(errors.New("down"))
				default:
					r.sweep(time.Now().Add(idleAfter * time.Duration(i%3)))
				}
			}
		})
	}
	callers.Wait()
	o.mu.Lock()
	open := 0
	for _, n := range o.open {
		open += n
	}
	o.mu.Unlock()
	if open != r.all.entries {
		t.Errorf("%d series are open for %d entries", open, r.all.entries)
	}
	last := r.Get(ref("last"))
	r.sweep(time.Now().Add(2 * invalidIdleAfter))
	_ = last.undecided(errors.New("an evaluation that was in flight"))
	if len(o.open) != 0 || o.late != 0 {
		t.Errorf("left: %v; %d decisions were told to a series that was closed", o.open, o.late)
	}
	if r.all != (usage{}) || len(r.namespaces) != 0 {
		t.Errorf("left: %+v, %d namespaces", r.all, len(r.namespaces))
	}
}

func TestRegistryKeepsTheMetricOfAnEditedTrigger(t *testing.T) {
	o := &seen{}
	r := newTestRegistry(o)
	r.Get(ref("worker")).askedAt.Store(0)
	r.Get(ref("worker", "lagThreshold", "20"))
	r.sweep(time.Now())
	if r.all.entries != 1 || o.open["shop/worker/kafka-orders"] != 1 {
		t.Errorf("%d entries, series %v; the metric lives on in the edited trigger", r.all.entries, o.open)
	}
}

// TestRegistryRefusesNamesThatNoObjectHas: names become labels, and stay in memory.
func TestRegistryRefusesNamesThatNoObjectHas(t *testing.T) {
	o := &seen{}
	r := newTestRegistry(o)
	long := ref(strings.Repeat("n", maxName+1))
	namespaced := ref("worker")
	namespaced.Namespace = strings.Repeat("n", maxNamespace+1)
	for _, object := range []Ref{long, namespaced} {
		if e := r.Get(object); fault.KindOf(e.err) != fault.Invalid || e.err == nil || len(e.err.Error()) > 300 {
			t.Errorf("got %v, want a short error of kind invalid", e.err)
		}
	}
	r.Get(ref(strings.Repeat("n", maxName)))
	if r.all.entries != 1 || len(o.open) != 1 || r.all.bytes > 4000 {
		t.Errorf("%d entries of %d bytes, %d series; want those of the good name", r.all.entries, r.all.bytes, len(o.open))
	}
}

func TestRegistryIsBounded(t *testing.T) {
	for name, bound := range map[string]func(*Registry){
		"by number": func(r *Registry) { r.limits.entries = 10 },
		"by size":   func(r *Registry) { r.limits.bytes = 10 * newEntry(ref("worker-000")).size() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newTestRegistry(&seen{})
			bound(r)
			held := r.Get(ref("worker-000"))
			hold(t, r, held)
			for i := range 200 {
				r.Get(ref(fmt.Sprintf("worker-%03d", i)))
				if r.all.entries > 10 {
					t.Fatalf("%d entries", r.all.entries)
				}
			}
			if r.peek(ref("worker-000")) != held || r.peek(ref("worker-199")) == nil {
				t.Error("evicted the one with a stream, or the newest")
			}
		})
	}
}

func TestRegistryBoundsTheTriggersOfOneObject(t *testing.T) {
	o := &seen{}
	r := newTestRegistry(o)
	most := r.limits.perObject
	for i := range 3000 {
		r.Get(ref("worker", "lagThreshold", fmt.Sprint(i+1), "topic", fmt.Sprint("orders-", i)))
	}
	if n := len(r.Of("shop", "worker")); n != most || r.all.entries != n || len(o.open) != n {
		t.Errorf("%d triggers, %d entries, %d series; want %d", n, r.all.entries, len(o.open), most)
	}
}

// TestRegistryCountsWhatQueriesTake: each group's query names all topics again. 60 MiB of such metadata took 1.5 GB.
func TestRegistryCountsWhatQueriesTake(t *testing.T) {
	topics := strings.Repeat("x", 200)
	for i := range 249 {
		topics += fmt.Sprint(",", strings.Repeat("x", 200), i)
	}
	groups := "g"
	for i := range 19 {
		groups += fmt.Sprint(",g", i)
	}
	e := newEntry(ref("worker", "topic", topics, "consumerGroup", groups))
	if e.err != nil {
		t.Fatal(e.err)
	}
	if got, least := e.size(), 20*len(topics); got < least {
		t.Errorf("20 queries of 250 topics count %d bytes, want at least the %d of their keys", got, least)
	}
}

// TestRegistryIsFair: a namespace that fills the registry pushes out its own triggers, not those of others.
func TestRegistryIsFair(t *testing.T) {
	for name, bound := range map[string]func(*Registry){
		"by number": func(r *Registry) { r.limits.entries = 100 },
		"by size":   func(r *Registry) { r.limits.bytes = 100 * newEntry(ref("worker-00")).size() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newTestRegistry(&seen{})
			bound(r)
			in := func(ns, name string) Ref {
				object := ref(name)
				object.Namespace = ns
				return object
			}
			honest := map[string]*Entry{}
			for i := range 20 {
				object := in("shop", fmt.Sprintf("worker-%02d", i))
				honest[object.Name] = r.Get(object)
				honest[object.Name].askedAt.Store(0) // as long ago as can be
			}
			for i := range 5000 {
				r.Get(in("hostile", fmt.Sprint("worker-", i)))
			}
			for name, e := range honest {
				if r.peek(in("shop", name)) != e {
					t.Errorf("%s was pushed out by another namespace", name)
				}
			}
			// What the one takes too much is there for the others.
			for i := range 30 {
				r.Get(in("audit", fmt.Sprintf("worker-%02d", i)))
			}
			if n := r.namespaces["audit"].entries; n != 30 {
				t.Errorf("a third namespace has %d triggers, want 30", n)
			}
		})
	}
}

// TestRegistryFullOfStreams: entries that streams hold are not evicted, not even for the bound, and looking for
// one that can be does not hang. What finds no room is answered, and not remembered.
func TestRegistryFullOfStreams(t *testing.T) {
	r := newTestRegistry(&seen{})
	r.limits.entries = 3
	for i := range 3 {
		hold(t, r, r.Get(ref(fmt.Sprint("worker-", i))))
	}
	e := r.Get(ref("worker-3"))
	if e.err != nil || e.trigger == nil || r.all.entries != 3 {
		t.Errorf("%d entries, want 3, and an answer beyond them: %v", r.all.entries, e.err)
	}
	if _, err := r.Open(e, func() {}); fault.KindOf(err) != fault.Exhausted {
		t.Errorf("a stream for what is not remembered: %v, want exhausted", err)
	}
}
