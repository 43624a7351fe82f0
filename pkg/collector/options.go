package collector

import (
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/longpoll"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/sweep"
)

// Defaults of [Options].
const (
	DefaultInterval         = sweep.DefaultInterval
	DefaultMaxInterval      = sweep.DefaultMaxInterval
	DefaultIdleAfter        = 5 * time.Minute
	DefaultRequestTimeout   = 3 * time.Second
	DefaultFirstReadTimeout = 2 * time.Second
	DefaultGrace            = 250 * time.Millisecond
	DefaultTopicsInterval   = 10 * time.Second
	DefaultStartInterval    = 5 * time.Second
	DefaultSleepInterval    = 5 * time.Second
	// Beyond some 400 partitions in a request, waking takes long; below, connections grow (measured on
	// Kafka 4.3: p50 1.1 ms with 100, 2.6 ms with 400, 5.4 ms with 1,000).
	DefaultPartitionsPerWait = 400
	DefaultMaxWaitsPerBroker = 16

	DefaultMaxQueries           = store.DefaultMaxQueries
	DefaultMaxPositions         = store.DefaultMaxPositions
	DefaultMaxPositionsPerQuery = store.DefaultMaxPositionsPerQuery
	DefaultMaxTopicsPerQuery    = store.DefaultMaxTopicsPerQuery
	DefaultNamespaceQueries     = store.DefaultNamespaceQueries
	DefaultNamespacePositions   = store.DefaultNamespacePositions
)

// Options says how a [Collector] works. Zero values mean the defaults.
type Options struct {
	// Cluster is the cluster's name in errors and logs.
	Cluster string
	// Interval is the time from the start of one refresh to that of the next. Zero lets the collector choose by
	// what there is to read: DefaultInterval for up to 40,000 partitions of groups, longer in proportion for
	// more, at most DefaultMaxInterval, and at most a quarter of the youngest age that a query allows.
	Interval time.Duration
	// IdleAfter is how long a query that nobody asks about stays in the refresh.
	IdleAfter time.Duration
	// RequestTimeout is how long one request to a broker may take. The deadline of every call of a refresh is
	// twice that, since a call may have to connect first.
	RequestTimeout time.Duration
	// FirstReadTimeout is the deadline of every call of a direct read, and how long a caller waits for one.
	FirstReadTimeout time.Duration
	// Grace is how long the steps of a refresh wait for brokers that have not answered before they go on without them.
	Grace time.Duration
	// TopicsInterval is how often topics are described: how long a new partition of a topic, or a new topic
	// of a regular expression, can go unseen. A topic that a broker does not know any more is described in the
	// next refresh.
	TopicsInterval time.Duration
	// StartInterval is how often log starts are read, and only where lag depends on them.
	StartInterval time.Duration
	// SleepInterval is how often that is read which inactive streams wait for, and brokers watch over: how
	// long a commit moved by hand, or a record that a broken connection hid, can go unseen. It is at least Interval.
	SleepInterval time.Duration
	// LongPolls lets [Collector.WaitForRecords] have records waited for.
	LongPolls bool
	// PartitionsPerWait is about how many partitions are waited on with one request. A broker checks all of
	// them when one gets a record; a request holds a connection.
	PartitionsPerWait int
	// MaxWaitsPerBroker bounds the waits under way on one broker. Beyond it each wait has more partitions.
	MaxWaitsPerBroker int
	// MaxQueries and MaxPositions bound what all queries of the collector take together: a query is a consumer
	// group and what is read of it, a position one partition of one query. A query beyond them is refused,
	// and asked for again later; those that are known live on.
	MaxQueries, MaxPositions int
	// MaxTopicsPerQuery and MaxPositionsPerQuery bound one query.
	MaxTopicsPerQuery, MaxPositionsPerQuery int
	// Quota bounds each namespace, and all of them together, in all collectors that share it; nil is one of the
	// collector's own.
	Quota *Quota
	// Logger gets one line a change of state, never one a refresh. Nil logs nothing.
	Logger *zap.Logger
	// Observer is told what happens, for metrics.
	Observer Observer

	// chooses is whether the collector chooses its interval.
	chooses bool
}

// Observer holds functions that are told what a collector does. Any may be nil.
// They are called from several goroutines and must neither block nor call back.
type Observer struct {
	// Refreshed is told of every refresh: how long it took until it was published, and how many groups and
	// partitions were published with an older number because their broker had not answered by then.
	Refreshed func(took time.Duration, late int)
	// Stretched is told when a refresh took longer than the interval: how long after its start the next one starts.
	Stretched func(interval time.Duration)
	// Interval is told the time between two refreshes, at first and when it changes.
	Interval func(time.Duration)
	// DirectRead is told of every direct read and how many new queries it served.
	DirectRead func(took time.Duration, queries int)
	// Answered is told the age of every snapshot handed out by Snapshot that has one.
	Answered func(age time.Duration)
	// Queries is told how many queries the refresh covers, whenever that changes.
	Queries func(n int)
	// Waiting is told what is waited on, whenever that may have changed.
	Waiting func(WaitStats)
	// Woken is told how many partitions a wait found records in.
	Woken func(partitions int)
	// Probed is told what probes of logs have shown, and AgesSearched what searches for the ages of records have.
	Probed       func(ProbeStats)
	AgesSearched func(AgeStats)
	// Panicked is told of every panic, and of what it ended: a loop, a call, a wait, or what is made of an answer.
	Panicked func(where string)
}

// ProbeStats are what probes of logs have shown.
type ProbeStats = sweep.ProbeStats

// AgeStats are what searches for the ages of records have shown.
type AgeStats = sweep.AgeStats

// WaitStats are the waits for records.
type WaitStats = longpoll.Stats

// Quota bounds what all collectors that share it take together, and what each namespace may take of that. Its
// methods may be called from any goroutine.
type Quota = store.Quota

// NewQuota returns a quota of so many queries and positions for each namespace; 0 means the default. A
// query is a consumer group and what a trigger reads of it; a position is one partition of one query.
// All of them, with the lists of all topics that expressions are matched with, may take about so many bytes of
// memory, and one namespace three quarters of that; 0 is any number.
func NewQuota(queries, positions int, bytes int64) *Quota {
	return store.NewQuota(queries, positions, bytes)
}

// store are the options of the store.
func (o Options) store(epoch time.Time) store.Options {
	return store.Options{
		Cluster: o.Cluster, Epoch: epoch, Quota: o.Quota,
		MaxQueries: o.MaxQueries, MaxPositions: o.MaxPositions,
		MaxTopicsPerQuery: o.MaxTopicsPerQuery, MaxPositionsPerQuery: o.MaxPositionsPerQuery,
		Interval: o.Interval, TopicsInterval: o.TopicsInterval, StartInterval: o.StartInterval,
	}
}

// sweep are the options of the sweeper.
func (o Options) sweep() sweep.Options {
	return sweep.Options{
		Cluster: o.Cluster, Interval: o.Interval, Chooses: o.chooses, SleepInterval: o.SleepInterval,
		RequestTimeout: o.RequestTimeout, FirstReadTimeout: o.FirstReadTimeout, Grace: o.Grace, Logger: o.Logger,
		Observer: sweep.Observer{
			Refreshed: o.Observer.Refreshed, Stretched: o.Observer.Stretched, Interval: o.Observer.Interval,
			DirectRead: o.Observer.DirectRead, Probed: o.Observer.Probed, AgesSearched: o.Observer.AgesSearched,
		},
	}
}

// longpoll are the options of the poller.
func (o Options) longpoll(interval func() time.Duration) longpoll.Options {
	return longpoll.Options{
		Cluster: o.Cluster, PartitionsPerWait: o.PartitionsPerWait, MaxWaitsPerBroker: o.MaxWaitsPerBroker, Interval: interval,
		Logger: o.Logger, Waiting: o.Observer.Waiting, Woken: o.Observer.Woken,
	}
}

func (o Options) withDefaults() Options {
	o.chooses = o.Interval <= 0
	orDefault(&o.Interval, DefaultInterval)
	orDefault(&o.IdleAfter, DefaultIdleAfter)
	orDefault(&o.RequestTimeout, DefaultRequestTimeout)
	orDefault(&o.FirstReadTimeout, DefaultFirstReadTimeout)
	orDefault(&o.Grace, DefaultGrace)
	orDefault(&o.TopicsInterval, DefaultTopicsInterval)
	orDefault(&o.StartInterval, DefaultStartInterval)
	orDefault(&o.SleepInterval, DefaultSleepInterval)
	o.SleepInterval = max(o.SleepInterval, o.Interval)
	orDefault(&o.PartitionsPerWait, DefaultPartitionsPerWait)
	orDefault(&o.MaxWaitsPerBroker, DefaultMaxWaitsPerBroker)
	orDefault(&o.MaxQueries, DefaultMaxQueries)
	orDefault(&o.MaxPositions, DefaultMaxPositions)
	orDefault(&o.MaxTopicsPerQuery, DefaultMaxTopicsPerQuery)
	orDefault(&o.MaxPositionsPerQuery, DefaultMaxPositionsPerQuery)
	if o.Quota == nil {
		o.Quota = NewQuota(0, 0, 0)
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	o.Observer = o.Observer.withDefaults()
	return o
}

func (o Observer) withDefaults() Observer {
	if o.Refreshed == nil {
		o.Refreshed = func(time.Duration, int) {}
	}
	if o.Stretched == nil {
		o.Stretched = func(time.Duration) {}
	}
	if o.Interval == nil {
		o.Interval = func(time.Duration) {}
	}
	if o.DirectRead == nil {
		o.DirectRead = func(time.Duration, int) {}
	}
	if o.Answered == nil {
		o.Answered = func(time.Duration) {}
	}
	if o.Queries == nil {
		o.Queries = func(int) {}
	}
	if o.Waiting == nil {
		o.Waiting = func(WaitStats) {}
	}
	if o.Woken == nil {
		o.Woken = func(int) {}
	}
	if o.Probed == nil {
		o.Probed = func(ProbeStats) {}
	}
	if o.Panicked == nil {
		o.Panicked = func(string) {}
	}
	if o.AgesSearched == nil {
		o.AgesSearched = func(AgeStats) {}
	}
	return o
}

func orDefault[T int | time.Duration](d *T, fallback T) {
	if *d <= 0 {
		*d = fallback
	}
}
