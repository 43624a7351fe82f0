package collector

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/longpoll"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/sweep"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Collector keeps the offsets that anyone asks about fresh. Its methods may be
// called from any goroutine.
type Collector struct {
	source Source
	opts   Options
	// epoch is when the collector was made, the zero of its stamps.
	epoch time.Time

	sweeper *sweep.Sweeper
	// poller waits for records; nil where that is not wanted.
	poller *longpoll.Poller
	// ended is closed when Run has returned.
	ended chan struct{}
	// untold says that those who wait have not heard of a publication.
	untold chan struct{}

	watchers watchers

	// mu guards the store, and everything below. It is never held during a call of the source, and by writers only
	// for a small chunk of work at a time.
	mu    sync.RWMutex
	store *store.Store
	// subscriptions are the queries by their keys.
	subscriptions map[string]*subscription
	// waiting are the subscriptions that no direct read has taken up yet.
	waiting []*subscription
	// left is set once Run has ended.
	left bool
	// queries is the number last told to the observer.
	queries int
}

// New returns a collector that does nothing before [Collector.Run].
func New(source Source, opts Options) *Collector {
	opts = opts.withDefaults()
	c := &Collector{
		source: source,
		opts:   opts,
		// The zero stamp is never, so the clock starts at 1.
		epoch:         time.Now().Add(-1),
		ended:         make(chan struct{}),
		untold:        make(chan struct{}, 1),
		subscriptions: make(map[string]*subscription),
	}
	c.store = store.New(opts.store(c.epoch))
	var waits sweep.Waits = noWaits{}
	if opts.LongPolls {
		c.poller = longpoll.New(access{c}, source, opts.longpoll(func() time.Duration { return c.sweeper.Interval() }))
		waits = c.poller
	}
	c.sweeper = sweep.New(access{c}, source, queries{c}, waits, opts.sweep())
	opts.Observer.Interval(opts.Interval)
	return c
}

// Run reads the cluster until ctx ends, as long as anyone asks. It owns all
// goroutines of the collector, returns when they have ended, and must be called
// once. It returns nil: a cluster that cannot be reached is no reason to end.
func (c *Collector) Run(ctx context.Context) error {
	defer close(c.ended)
	var loops sync.WaitGroup
	for where, run := range map[string]func(context.Context){
		"direct read": c.sweeper.ReadDirectly, "refresh": c.sweeper.Refresh, "topicRegex": c.sweeper.MatchTopics, "news": c.tellNews,
	} {
		loops.Go(func() { c.loop(ctx, where, run) })
	}
	if c.poller != nil {
		loops.Go(func() { c.loop(ctx, "waits", c.poller.Run) })
	}
	loops.Wait()
	c.sweeper.Finish()
	c.leave()
	return nil
}

// Group asks what the group is: its kind, state and members. It is for people to
// see, and asks every time.
func (c *Collector) Group(ctx context.Context, name string) lag.Group {
	ctx, cancel := context.WithTimeout(ctx, c.opts.RequestTimeout)
	defer cancel()
	return c.source.GroupView(ctx, name).Group
}

// now is the present, for comparing ages only: it may be a stamp that was given before.
func (c *Collector) now() store.Stamp { return store.Stamp(time.Since(c.epoch)) }

// access is what the rooms are given of the collector: the store, under its lock.
type access struct{ c *Collector }

// Read lets others read too.
func (a access) Read(do func(s *store.Store, now store.Stamp)) {
	a.c.mu.RLock()
	defer a.c.mu.RUnlock()
	do(a.c.store, a.c.now())
}

// Write hands on what has become of the change.
func (a access) Write(do func(s *store.Store, now store.Stamp)) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	defer a.c.handOn()
	do(a.c.store, a.c.now())
}

// Guard survives panics.
func (a access) Guard(where string, do func()) (well bool) { return a.c.guard(where, do) }

// handOn tells the sweeper, the readers and the log what a change of the store has brought. The caller holds mu.
func (c *Collector) handOn() {
	out := c.store.Outbox()
	for _, event := range out.Events {
		c.log(event)
	}
	if out.Published {
		c.sweeper.Published()
		signal(c.untold)
	}
	if out.Unmatched {
		c.sweeper.Match()
	}
}

func (c *Collector) log(event store.Event) {
	cluster, topic := zap.String("cluster", c.opts.Cluster), zap.String("topic", event.Topic)
	switch event.What {
	case store.TopicUnreadable:
		c.opts.Logger.Error("topic cannot be read", cluster, topic, zap.Error(event.Err))
	case store.TopicReadable:
		c.opts.Logger.Info("topic can be read again", cluster, topic)
	case store.RecordsUnreadable:
		c.opts.Logger.Warn("phantom lag of the topic counts, because its records cannot be looked at", cluster, topic, zap.Error(event.Err))
	}
}

// noWaits is for a collector that waits for no records.
type noWaits struct{}

// Watched is false: nothing may sleep.
func (noWaits) Watched(*store.Subscription, store.Stamp) bool { return false }

// Swept concerns nobody.
func (noWaits) Swept() {}

// Nudges never come.
func (noWaits) Nudges() <-chan struct{} { return nil }

// Nudge wakes nobody.
func (noWaits) Nudge() {}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
