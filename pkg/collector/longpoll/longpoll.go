// Package longpoll keeps long polls open at the end of every log that an inactive
// stream depends on, and tells the streams within milliseconds when records come.
//
// What to wait for, in which requests, and until when, is decided by the plan: it has no
// clock and no network, and its cases are in testdata. The poller carries it out.
//
//	plan.go       what is wanted, the states of a partition, and reconciling; fill.go which waits begin
//	ended.go      what becomes of a partition whose wait has ended
//	longpoll.go   the poller and its loop; reconcile.go what sleepers want, and carrying out
//	finish.go     what a wait has told: to the store, and to those who sleep
//	sleepers.go   which queries inactive streams wait for
package longpoll

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Source waits for records at the end of a log.
type Source interface {
	// Leaders returns a function that tells which broker leads a partition of the topic, as far as is
	// known. It asks nobody.
	Leaders(topic string) func(partition int32) (node int32, ok bool)
	// FindLeaders looks up the leaders of the topics again.
	FindLeaders(ctx context.Context, topics []string) error
	// AwaitRecords waits on the leader until one of the partitions has a log end beyond its offset, at most
	// for so long, and returns those with news, and what it happened to see of them. An error means that nothing
	// is known of any.
	AwaitRecords(ctx context.Context, leader int32, at lag.Position, from []lag.LogWait, most time.Duration) ([]lag.LogWake, error)
}

// Options say how a [Poller] works. All are set by the caller.
type Options struct {
	// Cluster is the cluster's name in logs.
	Cluster string
	// ShardSize is about how many partitions are waited on with one request, and MaxWaitsPerBroker bounds the
	// waits under way on one broker.
	PartitionsPerWait, MaxWaitsPerBroker int
	// Interval tells the present time between two refreshes.
	Interval func() time.Duration
	Logger   *zap.Logger
	// Waiting is told what is waited on, whenever that may have changed, and Woken how many partitions a wait
	// found records in.
	Waiting func(Stats)
	Woken   func(partitions int)
}

// Stats are the waits for records.
type Stats struct {
	// Waits is how many requests are open, each on a connection of its own, and Partitions what they name.
	Waits, Partitions int
	// DeniedTopics is how many topics are left to the refresh because their records must not be read.
	DeniedTopics int
}

// What the times of the waits are.
const (
	// MaxWait is how long a broker may leave a wait without an answer. It is renewed then, and only then.
	MaxWait = 30 * time.Second
	// CoalesceFor is how long the plan waits for more that is new before it is reconciled, so that one request covers
	// it, and coalesceMore how many times as long as a reconcile takes. Otherwise, with thousands of streams, most of
	// the time would go into reconciling.
	CoalesceFor  = 5 * time.Millisecond
	coalesceMore = 20
	// RenewFor is how far apart at most the waits of a leader end that are renewed together.
	RenewFor = 100 * time.Millisecond
	// DeniedFor is how long a topic that must not be read is left to the refresh.
	DeniedFor = 10 * time.Minute
	// Partitions that a broker did not wait on are tried again after parkFirst, doubling up to ParkMost.
	parkFirst = 100 * time.Millisecond
	ParkMost  = time.Second
	// findEvery is the least time between two searches for leaders that are not known.
	findEvery = 500 * time.Millisecond
	findFor   = 5 * time.Second
)

// Poller keeps a wait open at the end of every log that an inactive stream depends
// on. One goroutine, Run, owns all fields but those that say otherwise.
//
//	streams ──sleepers──► reconcile ──► plan ──► waits: some 400 partitions of one leader each ──► Fetch
//	   ▲                                 ▲           │ a log has grown
//	   └──────────── wake ◄──────────────┴───────────┘
//
// What a wait tells is taken in as if it had been read, and only the streams
// concerned are told. The partitions that have grown leave their wait; those that
// are still wanted, because their streams are inactive nevertheless, enter another
// one at their new end. Everything else is waited for again at once. Waits of one
// leader are renewed at one time, and composed together then: so partitions that
// came one by one end up together, and those that nobody wants any more are left
// out. Until then, those that come enter the one coalescing wait. The plan
// decides all that (plan.go, fill.go, ended.go); the poller carries it out.
//
// The refresh goes on meanwhile, at a slower pace for what is waited on as a whole.
// Whatever is lost here is found by it.
type Poller struct {
	store.Access
	source Source
	opts   Options

	// rearm says that what is wanted may have changed, nudge that the refresh is needed at once.
	rearm, nudge chan struct{}
	// results brings the waits that have ended, found the topics whose leaders have been looked up.
	results chan result
	found   chan []string
	// running are the goroutines of waits and searches.
	running sync.WaitGroup

	// sleepers are the queries that inactive streams wait for. They have a lock of their own.
	sleepers sleepers

	plan *plan
	// ends interrupts each of the waits under way.
	ends map[*wait]context.CancelFunc
	// timer fires when the plan is to be reconciled next, for which it is armed.
	timer *time.Timer
	armed time.Time
	// took is how long the newest reconcile took.
	took time.Duration
}

// result is how a wait has ended.
type result struct {
	*wait
	wakes []lag.LogWake
	err   error
}

// New returns a poller that waits for nothing before [Poller.Run].
func New(access store.Access, source Source, opts Options) *Poller {
	p := &Poller{
		Access: access, source: source, opts: opts,
		rearm: make(chan struct{}, 1), nudge: make(chan struct{}, 1),
		results: make(chan result), found: make(chan []string),
	}
	p.sleepers.of = map[*store.Subscription]*sleeper{}
	p.clear()
	return p
}

// Swept says that a sweep has ended: other things may be wanted now.
func (p *Poller) Swept() { signal(p.rearm) }

// Nudges tells when a refresh is needed at once.
func (p *Poller) Nudges() <-chan struct{} { return p.nudge }

// Nudge says that a refresh is needed at once.
func (p *Poller) Nudge() { signal(p.nudge) }

// clear forgets all waits, as at first.
func (p *Poller) clear() {
	for _, end := range p.ends {
		end()
	}
	p.armed = time.Time{}
	p.plan, p.ends = newPlan(p.opts.PartitionsPerWait, p.opts.MaxWaitsPerBroker), map[*wait]context.CancelFunc{}
}

// Run keeps the waits until ctx ends.
func (p *Poller) Run(ctx context.Context) {
	// After a panic, what it left behind is of no use.
	p.clear()
	ctx, end := context.WithCancel(ctx)
	defer p.running.Wait()
	defer end()
	p.timer = time.NewTimer(time.Hour)
	defer p.timer.Stop()
	p.plan.reconcileAt(time.Now().Add(p.soon()))
	for {
		p.arm()
		select {
		case <-ctx.Done():
			return
		case <-p.rearm:
			p.plan.reconcileAt(time.Now().Add(p.soon()))
		case r := <-p.results:
			p.finish(ctx, r)
		case topics := <-p.found:
			p.plan.rerouted(time.Now(), topics, p.source.Leaders)
		case <-p.timer.C:
			p.reconcile(ctx)
		}
		p.find(ctx)
	}
}

// soon is how long to wait for what else comes before the plan is reconciled.
func (p *Poller) soon() time.Duration { return max(CoalesceFor, coalesceMore*p.took) }

// arm sets the timer to when the plan is to be reconciled next.
func (p *Poller) arm() {
	if next := p.plan.next; !next.Equal(p.armed) {
		p.armed = next
		if !next.IsZero() {
			p.timer.Reset(time.Until(next))
		}
	}
}

// find looks up the leaders of lost partitions.
func (p *Poller) find(ctx context.Context) {
	topics := p.plan.find(time.Now())
	if topics == nil {
		return
	}
	p.running.Go(func() {
		search, cancel := context.WithTimeout(ctx, findFor)
		defer cancel()
		p.Guard("wait", func() {
			if err := p.source.FindLeaders(search, topics); err != nil {
				p.opts.Logger.Debug("the leaders of partitions could not be looked up", zap.String("cluster", p.opts.Cluster), zap.Error(err))
			}
		})
		select {
		case p.found <- topics:
		case <-ctx.Done():
		}
	})
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
