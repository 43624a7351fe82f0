package kafka

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// forgetAfter is how long what nobody asks for is remembered: longer than any refresh is away from the next.
	forgetAfter = 10 * time.Minute
	// sweepEvery is the least time between two searches for it.
	sweepEvery = time.Minute
)

// table remembers, by name, what can be found out again: at most so many entries, of
// at most so many bytes. Beyond that those go that were asked for longest ago, and
// any go that nobody asks for. Names are as long as those make them who ask.
type table[V any] struct {
	most, mostBytes int

	mu    sync.RWMutex
	all   map[string]*remembered[V]
	bytes int
	swept time.Time
}

type remembered[V any] struct {
	value V
	bytes int
	// used is when it was last asked for, in nanoseconds since 1970.
	used atomic.Int64
}

// entryBytes is what an entry has besides its name and value: its place in the map, and the above.
const entryBytes = 100

func newTable[V any](most, mostBytes int) *table[V] {
	return &table[V]{most: most, mostBytes: mostBytes, all: map[string]*remembered[V]{}}
}

func (t *table[V]) get(name string, now time.Time) (value V, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	e, ok := t.all[name]
	if !ok {
		return value, false
	}
	e.used.Store(now.UnixNano())
	return e.value, true
}

// put remembers a value of so many bytes, and returns those that had to make room for it.
func (t *table[V]) put(name string, value V, bytes int, now time.Time) (shed []V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remove(name)
	e := &remembered[V]{value: value, bytes: bytes + len(name) + entryBytes}
	e.used.Store(now.UnixNano())
	t.all[name] = e
	t.bytes += e.bytes
	if len(t.all) > t.most || t.bytes > t.mostBytes {
		return t.shed()
	}
	return nil
}

func (t *table[V]) drop(names ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		t.remove(name)
	}
}

// remove is drop for one name. The caller holds mu.
func (t *table[V]) remove(name string) {
	if e, ok := t.all[name]; ok {
		t.bytes -= e.bytes
		delete(t.all, name)
	}
}

// keep drops what no longer has a name to be kept, and returns it.
func (t *table[V]) keep(has func(name string) bool) (dropped []V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, e := range t.all {
		if !has(name) {
			dropped = append(dropped, e.value)
			t.remove(name)
		}
	}
	return dropped
}

// values are all that are remembered, in no order.
func (t *table[V]) values() []V {
	t.mu.RLock()
	defer t.mu.RUnlock()
	values := make([]V, 0, len(t.all))
	for _, e := range t.all {
		values = append(values, e.value)
	}
	return values
}

// shed makes room: an eighth of the table, so that it is not sought for each entry. The caller holds mu.
func (t *table[V]) shed() (gone []V) {
	names := make([]string, 0, len(t.all))
	for name := range t.all {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(t.all[a].used.Load(), t.all[b].used.Load()) })
	for _, name := range names {
		if len(t.all) <= t.most-t.most/8 && t.bytes <= t.mostBytes-t.mostBytes/8 {
			break
		}
		gone = append(gone, t.all[name].value)
		t.remove(name)
	}
	return gone
}

// sweep forgets what has not been asked for, at most once in a while.
func (t *table[V]) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.swept) < sweepEvery {
		return
	}
	t.swept = now
	for name, e := range t.all {
		if now.Sub(time.Unix(0, e.used.Load())) > forgetAfter {
			t.remove(name)
		}
	}
}

// size is how many entries and bytes there are.
func (t *table[V]) size() (entries, bytes int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.all), t.bytes
}
