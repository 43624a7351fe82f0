package collector

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
)

// Collector keeps the offsets that anyone asks about fresh. Its methods may be
// called from any goroutine.
type Collector struct {
	source Source
	opts   Options
	// epoch is when the collector was made, the zero of its stamps.
	epoch time.Time

	// fresh says that queries wait for their direct read, awake that there is something to refresh.
	fresh, awake chan struct{}
	// ended is closed when Run has returned.
	ended chan struct{}
	// untold says that those who wait have not heard of a publication.
	untold chan struct{}
	// turn is that of those who work through all there is.
	turn *pace.Turn
	// calls are the calls of the source that are running.
	calls sync.WaitGroup
	// push waits for records; nil where that is not wanted or not possible.
	push *push
	// published counts publications. It changes under mu.
	published atomic.Uint64
	// chosen is the interval of the refresh, in nanoseconds.
	chosen atomic.Int64

	watchers watchers

	// mu guards everything below, and all that it leads to. It is never held during a call of the source, and
	// by writers only for a small chunk of work at a time.
	mu sync.RWMutex
	// changed is closed, and replaced, at every publication.
	changed chan struct{}
	last    stamp
	// shape changes whenever requests may have to be composed anew; marks with every walk over what there is.
	shape, marks uint64
	entries      map[string]*entry
	// waiting are the entries that no direct read has taken up yet.
	waiting []*entry
	groups  map[string]*group
	topics  map[string]*topic
	catalog catalog
	health  health
	// queries is the number last told to the observer.
	queries int
}

// New returns a collector that does nothing before [Collector.Run].
func New(source Source, opts Options) *Collector {
	c := &Collector{
		source: source,
		opts:   opts.withDefaults(),
		// The zero stamp is never, so the clock starts at 1.
		epoch:   time.Now().Add(-1),
		fresh:   make(chan struct{}, 1),
		awake:   make(chan struct{}, 1),
		ended:   make(chan struct{}),
		untold:  make(chan struct{}, 1),
		turn:    pace.New(),
		changed: make(chan struct{}),
		entries: make(map[string]*entry),
		groups:  make(map[string]*group),
		topics:  make(map[string]*topic),
	}
	c.chosen.Store(int64(c.opts.Interval))
	c.opts.Observer.Interval(c.opts.Interval)
	c.push = newPush(c)
	return c
}

// Run reads the cluster until ctx ends, as long as anyone asks. It owns all
// goroutines of the collector, returns when they have ended, and must be called
// once. It returns nil: a cluster that cannot be reached is no reason to end.
func (c *Collector) Run(ctx context.Context) error {
	defer close(c.ended)
	var loops sync.WaitGroup
	loops.Go(func() { c.readDirectly(ctx) })
	loops.Go(func() { c.refresh(ctx) })
	loops.Go(func() { c.tellNews(ctx) })
	if c.push != nil {
		loops.Go(func() { c.push.run(ctx) })
	}
	loops.Wait()
	c.calls.Wait()
	return nil
}

// next is the publication that will show a change made now. The caller holds mu.
func (c *Collector) next() uint64 { return c.published.Load() + 1 }

// publish lets readers see what has changed. The caller holds mu.
func (c *Collector) publish() {
	c.published.Add(1)
	close(c.changed)
	c.changed = make(chan struct{})
	signal(c.untold)
}
