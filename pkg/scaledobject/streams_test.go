package scaledobject

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// holder opens streams and notes which of them were ended in favour of another.
type holder struct {
	t        *testing.T
	registry *Registry
	open     map[string]*Stream
	ended    []string
}

func newHolder(t *testing.T) *holder {
	return &holder{t: t, registry: newTestRegistry(&seen{}), open: map[string]*Stream{}}
}

func (h *holder) hold(label, ns, name string, pairs ...string) error {
	h.t.Helper()
	object := ref(name, pairs...)
	object.Namespace = ns
	s, err := h.registry.Open(h.registry.Get(object), func() {
		h.ended = append(h.ended, label)
		delete(h.open, label)
	})
	if err == nil {
		h.open[label] = s
	}
	if got := h.registry.all.streams; got != len(h.open) {
		h.t.Fatalf("%d streams are counted, %d are open", got, len(h.open))
	}
	return err
}

func (h *holder) expectEnded(want string) {
	h.t.Helper()
	if got := strings.Join(h.ended, " "); got != want {
		h.t.Errorf("ended %q, want %q", got, want)
	}
	h.ended = nil
}

func (h *holder) closeAll() {
	for _, s := range h.open {
		s.Close()
		s.Close() // twice changes nothing
	}
	if u := h.registry.all; u.streams != 0 || u.held != 0 || u.heldBytes != 0 {
		h.t.Errorf("left: %+v", u)
	}
}

// TestStreamsOfOneTrigger: KEDA's new stream is never in the way of one whose connection is gone.
func TestStreamsOfOneTrigger(t *testing.T) {
	h := newHolder(t)
	for i := range h.registry.limits.perTrigger + 2 {
		if err := h.hold(fmt.Sprint(i), "shop", "worker"); err != nil {
			t.Fatal(err)
		}
	}
	h.expectEnded("0 1")
	if e := h.registry.peek(ref("worker")); len(e.streams) != h.registry.limits.perTrigger {
		t.Errorf("%d streams", len(e.streams))
	}
	h.closeAll()
}

// TestStreamsInAll: who has most gives way to the others, and is refused more.
func TestStreamsInAll(t *testing.T) {
	for name, bound := range map[string]func(*limits){
		"by number": func(l *limits) { l.streams = 10 },
		"by size":   func(l *limits) { l.heldBytes = 10 * newEntry(ref("w-0")).size() },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHolder(t)
			bound(&h.registry.limits)
			for i := range 10 {
				if err := h.hold(fmt.Sprint("hostile-", i), "hos", fmt.Sprint("w-", i)); err != nil {
					t.Fatal(err)
				}
			}
			err := h.hold("hostile-10", "hos", "w-A")
			if fault.KindOf(err) != fault.Exhausted || !strings.Contains(err.Error(), `namespace "hos" has more of them than any other`) {
				t.Errorf("one more: %v, want exhausted", err)
			}
			h.expectEnded("")
			for i := range 5 {
				if err := h.hold(fmt.Sprint("honest-", i), "shp", fmt.Sprint("w-", i)); err != nil {
					t.Errorf("another namespace: %v", err)
				}
			}
			if len(h.ended) != 5 || strings.Contains(strings.Join(h.ended, " "), "honest") {
				t.Errorf("ended %q, want five of the namespace that has most", h.ended)
			}
			h.ended = nil
			// KEDA was away, and comes back before its old connection is noticed to be gone.
			if err := h.hold("honest-3 again", "shp", "w-3"); err != nil {
				t.Error(err)
			}
			if name == "by number" {
				h.expectEnded("honest-3")
			}
			h.closeAll()
		})
	}
}

// TestStreamOfATriggerThatWasForgotten: between get and open, a sweep may come.
func TestStreamOfATriggerThatWasForgotten(t *testing.T) {
	o := &seen{}
	r := newTestRegistry(o)
	e := r.Get(ref("worker"))
	e.askedAt.Store(0)
	r.drop(e)
	held := hold(t, r, e)
	if held.entry == e || r.peek(ref("worker")) != held.entry || len(o.open) != 1 {
		t.Error("the stream holds what nobody finds")
	}
	r.drop(e) // forgotten already
	if r.all.entries != 1 {
		t.Errorf("%d entries", r.all.entries)
	}
	held.Close()
}

// TestTenThousandTriggersHaveAStreamEach is what an honest user may have.
func TestTenThousandTriggersHaveAStreamEach(t *testing.T) {
	r := newTestRegistry(&seen{})
	objects := make([]Ref, 10_000)
	for round := range 2 { // the second one while the connection of the first is gone unnoticed
		for i := range objects {
			objects[i] = ref(fmt.Sprint("worker-", i))
			hold(t, r, r.Get(objects[i]))
		}
		if r.all.entries != len(objects) || r.all.held != len(objects) {
			t.Fatalf("round %d: %+v", round, r.all)
		}
	}
}
