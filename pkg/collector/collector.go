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
	// match says that expressions are to be matched.
	match chan struct{}
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
	// expressions are those of the entries, and unmatched those of them that are to be matched.
	expressions map[string]*expression
	unmatched   []*expression
	catalog     catalog
	// used is what the queries take of the bounds.
	used usage
	// left is set once Run has ended.
	left bool
	// untidy is set when topics or groups may be left that nobody needs.
	untidy bool
	health health
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
		match:   make(chan struct{}, 1),
		untold:  make(chan struct{}, 1),
		turn:    pace.New(),
		changed: make(chan struct{}),
		entries: make(map[string]*entry),
		groups:  make(map[string]*group),
		topics:  make(map[string]*topic),

		expressions: make(map[string]*expression),
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
	for where, run := range map[string]func(context.Context){
		"direct read": c.readDirectly, "refresh": c.refresh, "news": c.tellNews, "topicRegex": c.matchTopics,
	} {
		loops.Go(func() { c.loop(ctx, where, run) })
	}
	if c.push != nil {
		loops.Go(func() { c.loop(ctx, "waits", c.push.run) })
	}
	loops.Wait()
	c.calls.Wait()
	c.locked(c.leave)
	return nil
}

// leave gives back what the queries took of the namespaces' quota. The caller holds mu.
func (c *Collector) leave() {
	c.left = true
	for key, e := range c.entries {
		delete(c.entries, key)
		c.forget(e)
	}
	c.dropCatalog()
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
