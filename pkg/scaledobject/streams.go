package scaledobject

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Stream is an open stream that keeps its trigger from being forgotten.
type Stream struct {
	registry *Registry
	entry    *Entry
	// order is greater for a stream that was opened later.
	order uint64
	// end ends the stream without an error.
	end func()
}

// Entry is the trigger that the stream holds.
func (s *Stream) Entry() *Entry { return s.entry }

// Open lets a stream hold the trigger of e, which may have been forgotten meanwhile:
// the entry to use is the stream's. end is called, once at most, where another stream
// takes this one's place, and must not block.
//
// Where a bound is reached, the oldest stream of the same trigger makes room: KEDA
// opens a new one where the old one's connection is gone, and that must not be in the
// way. Else the oldest of the namespace that has most does. For that namespace itself, a new
// stream is refused, because pushing out its own would only have KEDA open all of them in turn.
func (r *Registry) Open(e *Entry, end func()) (*Stream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e = r.remembered(e); !e.remembered {
		return nil, e.refused(errors.New("streams hold as many triggers as one ScaledObject, or all together, may have"))
	}
	if len(e.streams) >= r.limits.perTrigger {
		r.cut(e.streams[0])
	}
	if err := r.makeRoomForStream(e); err != nil {
		return nil, e.refused(err)
	}
	n := r.namespaces[e.ref.Namespace]
	r.opened++
	s := &Stream{registry: r, entry: e, order: r.opened, end: end}
	r.count(n, func(u *usage) {
		u.streams++
		if len(e.streams) == 0 {
			u.held++
			u.heldBytes += e.size()
		}
	})
	e.streams = append(e.streams, s)
	return s, nil
}

// remembered returns e, or what is remembered in its place. The caller holds mu.
func (r *Registry) remembered(e *Entry) *Entry {
	if e.remembered {
		return e
	}
	again := &Entry{parsed: e.parsed}
	again.askedAt.Store(e.askedAt.Load())
	return r.remember(again)
}

// makeRoomForStream ends streams until there is room for one more of e, or says why there is none. The
// caller holds mu.
func (r *Registry) makeRoomForStream(e *Entry) error {
	for {
		var full func(*usage) int
		var err error
		switch {
		case r.all.streams >= r.limits.streams:
			full = func(u *usage) int { return u.streams }
			err = fmt.Errorf("%d streams are open, and namespace %q has more of them than any other", r.all.streams, e.ref.Namespace)
		case len(e.streams) == 0 && r.all.heldBytes+e.size() > r.limits.heldBytes:
			full = func(u *usage) int { return u.heldBytes }
			err = fmt.Errorf("triggers with open streams have %d bytes of metadata, and namespace %q has more of them than any other", r.all.heldBytes, e.ref.Namespace)
		default:
			return nil
		}
		oldest := r.fullest(full)
		switch {
		case len(e.streams) > 0:
			r.cut(e.streams[0])
		case oldest == nil || oldest == r.namespaces[e.ref.Namespace]:
			return err
		default:
			r.cut(oldest.sampleStream())
		}
	}
}

// sampleStream is [namespace.sampleOldest] for streams, of which there must be one.
func (n *namespace) sampleStream() *Stream {
	var found *Stream
	sample := 0
	for _, triggers := range n.objects {
		for _, e := range triggers {
			if len(e.streams) > 0 {
				sample++
				if s := e.streams[0]; found == nil || s.order < found.order {
					found = s
				}
			}
		}
		if sample >= evictionSample {
			break
		}
	}
	return found
}

// cut ends a stream in favour of another. The caller holds mu.
func (r *Registry) cut(s *Stream) {
	s.release()
	s.end()
}

// Close lets go of the trigger.
func (s *Stream) Close() {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	s.release()
}

// release is Close for a caller who holds the registry's mutex.
func (s *Stream) release() {
	e := s.entry
	i := slices.Index(e.streams, s)
	if i < 0 {
		return // cut already
	}
	e.streams = slices.Delete(e.streams, i, i+1)
	s.registry.count(s.registry.namespaces[e.ref.Namespace], func(u *usage) {
		u.streams--
		if len(e.streams) == 0 {
			u.held--
			u.heldBytes -= e.size()
		}
	})
}

// refused says that a stream is one too many.
func (e *Entry) refused(err error) error {
	return &fault.Error{
		Kind: fault.Exhausted, Op: "open", Object: fmt.Sprintf("a stream for %s/%s", e.ref.Namespace, e.ref.Name),
		Err:    err,
		Remedy: "use type external for some of the triggers, or run another scaler for that namespace",
	}
}
