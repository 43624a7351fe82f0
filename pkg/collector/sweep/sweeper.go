package sweep

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Source reads one Kafka cluster.
//
// Every method returns within the deadline of its context, and a context without
// one is a defect of the caller. The reading methods ask all brokers concerned at
// once and call deliver as each one answers or fails, never from two goroutines at
// a time; they return when all have. What is delivered covers everything that was
// asked for, exactly once, failures included.
type Source interface {
	// Topics describes the named topics, or, for nil, all topics of the cluster. Topics that cannot be
	// described carry an error; an error of the call means that no broker could be asked.
	Topics(ctx context.Context, names []string) ([]lag.Topic, error)
	// LogOffsets reads one position of the partitions, one request a leader.
	LogOffsets(ctx context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset))
	// Commits reads the groups' committed offsets, one request a coordinator where the broker can. What
	// deliver is given of them is good until it returns.
	Commits(ctx context.Context, groups []lag.GroupTopics, deliver func([]lag.GroupCommits))
	// GroupView asks what the group is and what its members subscribe to.
	GroupView(ctx context.Context, group string) lag.GroupView
	// Inspect tells whether there is any record in the ranges, for consumers that read committed or for those
	// that do not. A range that was not read may be asked for again.
	Inspect(ctx context.Context, readCommitted bool, looks []lag.Look, deliver func([]lag.Sight))
	// OffsetsForTimes delivers for each partition the offset and the timestamp of the first record at or
	// after a time in milliseconds since 1970; -1 where there is none.
	OffsetsForTimes(ctx context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset))
}

// Queries are those that somebody asks about.
type Queries interface {
	// New returns those that have come since the last call, and are to be read directly.
	New() []Newcomer
	// Settle says, within Write, that a query's direct read has ended, well or not: from now on the refresh covers it.
	Settle(sub *store.Subscription)
	// Live forgets the queries that nobody asks about any more, and returns those in the refresh.
	Live() []*store.Subscription
}

// Newcomer is a query that came at a stamp.
type Newcomer struct {
	*store.Subscription
	Came store.Stamp
}

// Waits are those for records, at the brokers.
type Waits interface {
	// Watched reports, within Read, whether inactive streams wait for the query's records, and brokers hold a request
	// open for every partition that it selects.
	Watched(sub *store.Subscription, now store.Stamp) bool
	// Swept says that a sweep has ended: other things may be wanted now.
	Swept()
	// Nudges tells when a refresh is needed at once, and Nudge says so.
	Nudges() <-chan struct{}
	Nudge()
}

// Options say how a [Sweeper] works. All are set by the caller.
type Options struct {
	// Cluster is the cluster's name in errors and logs.
	Cluster string
	// Interval is the time from the start of one refresh to that of the next. Chooses lets the sweeper choose another
	// one by what there is to read.
	Interval time.Duration
	Chooses  bool
	// SleepInterval is how often that is read which sleeps, and RequestTimeout how long one request may take.
	SleepInterval, RequestTimeout time.Duration
	// FirstReadTimeout is the deadline of every call of a direct read.
	FirstReadTimeout time.Duration
	// Grace is how long the steps wait for brokers that have not answered.
	Grace    time.Duration
	Logger   *zap.Logger
	Observer Observer
}

// Observer holds functions that are told what a sweeper does; none is nil.
type Observer struct {
	// Refreshed is told of every refresh: how long it took until it was published, and how many groups and
	// partitions were published with an older number because their broker had not answered by then.
	Refreshed func(took time.Duration, late int)
	// Stretched is told when a refresh took longer than the interval: how long after its start the next one starts.
	Stretched func(interval time.Duration)
	// Interval is told the time between two refreshes, when it changes.
	Interval func(time.Duration)
	// DirectRead is told of every direct read and how many new queries it served.
	DirectRead func(took time.Duration, queries int)
	// Probed is told what probes of logs have shown, and AgesSearched what searches for the ages of records have.
	Probed       func(ProbeStats)
	AgesSearched func(AgeStats)
}

// ProbeStats are probes of the logs of so many partitions, for phantom lag: Empty showed that there is no record
// left, Records that there is one, Unclear neither, so that another probe follows, and Failed could not be made.
type ProbeStats struct{ Empty, Records, Unclear, Failed int }

// AgeStats are searches for the oldest unconsumed records of so many partitions, made together in so many Rounds of
// requests: Found ended with an age, Unknown without one.
type AgeStats struct{ Found, Unknown, Rounds int }

// Sweeper reads what queries need.
type Sweeper struct {
	store.Access
	source  Source
	queries Queries
	waits   Waits
	opts    Options

	// fresh says that queries wait for their direct read, awake that there is something to refresh, published that
	// there are news, and match that expressions are to be matched.
	fresh, awake, published, match chan struct{}
	// turn is that of those who work through all there is.
	turn *pace.Turn
	// calls are the calls of the source that are running.
	calls sync.WaitGroup
	// chosen is the interval of the refresh, in nanoseconds.
	chosen atomic.Int64
	// health is changed within Write.
	health health
}

// New returns a sweeper that does nothing before its loops run.
func New(access store.Access, source Source, queries Queries, waits Waits, opts Options) *Sweeper {
	w := &Sweeper{
		Access: access, source: source, queries: queries, waits: waits, opts: opts,
		fresh: make(chan struct{}, 1), awake: make(chan struct{}, 1), published: make(chan struct{}, 1), match: make(chan struct{}, 1),
		turn: pace.New(),
	}
	w.chosen.Store(int64(opts.Interval))
	return w
}

// Come says that there is a query that is new.
func (w *Sweeper) Come() { signal(w.fresh) }

// Published says that there are news.
func (w *Sweeper) Published() { signal(w.published) }

// Match says that there are expressions to be matched.
func (w *Sweeper) Match() { signal(w.match) }

// Resume has the loops go over everything again, after one of them has panicked.
func (w *Sweeper) Resume() {
	signal(w.fresh)
	signal(w.awake)
}

// Interval is the time from the start of one refresh to that of the next.
func (w *Sweeper) Interval() time.Duration { return time.Duration(w.chosen.Load()) }

// Finish waits until the calls have ended that are running. The loops must have ended.
func (w *Sweeper) Finish() { w.calls.Wait() }

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
