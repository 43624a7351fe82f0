package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Cluster observes one Kafka cluster. It is a kafka.Observer, and
// [Cluster.Collector] a collector.Observer.
type Cluster struct {
	name    string
	vectors *clusterVectors
}

// Cluster returns an observer of the cluster with that name, which becomes its
// label. Close it when the cluster goes.
func (m *Metrics) Cluster(name string) *Cluster {
	c := &Cluster{name: text(name), vectors: m.clusters}
	c.vectors.mu.Lock()
	defer c.vectors.mu.Unlock()
	c.vectors.users[c.name]++
	return c
}

// Close removes the cluster's series, unless there is another observer of that
// name: a reload opens the new connection before it closes the old one. Call it
// once, after the last observation.
func (c *Cluster) Close() {
	c.vectors.mu.Lock()
	defer c.vectors.mu.Unlock()
	if c.vectors.users[c.name]--; c.vectors.users[c.name] > 0 {
		return
	}
	delete(c.vectors.users, c.name)
	for _, v := range c.vectors.all() {
		v.DeletePartialMatch(prometheus.Labels{"cluster": c.name})
	}
}

// RequestDone implements kafka.Observer.
func (c *Cluster) RequestDone(api string, _ int32, took time.Duration, err error) {
	c.vectors.requests.WithLabelValues(c.name, api).Observe(took.Seconds())
	if err != nil {
		c.vectors.requestErrors.WithLabelValues(c.name, api, fault.KindOf(err).String()).Inc()
	}
}

// ConnectDone implements kafka.Observer.
func (c *Cluster) ConnectDone(_ int32, took time.Duration, err error) {
	c.vectors.connects.WithLabelValues(c.name).Observe(took.Seconds())
	if err != nil {
		c.vectors.connectErrors.WithLabelValues(c.name, fault.KindOf(err).String()).Inc()
	}
}

// Panicked implements kafka.Observer.
func (c *Cluster) Panicked(where string) { c.vectors.panics.WithLabelValues(c.name, where).Inc() }

// Collector returns the observer for the cluster's collector.
func (c *Cluster) Collector() collector.Observer {
	v := c.vectors
	late, stretched := v.refreshLate.WithLabelValues(c.name), v.refreshStretched.WithLabelValues(c.name)
	refreshes, reads := v.refreshes.WithLabelValues(c.name), v.directReads.WithLabelValues(c.name)
	// Looked up once: it is told of every RPC.
	ages := v.snapshotAges.WithLabelValues(c.name)
	return collector.Observer{
		Refreshed: func(took time.Duration, n int) {
			refreshes.Observe(took.Seconds())
			late.Add(float64(n))
		},
		Interval:   func(d time.Duration) { v.interval.WithLabelValues(c.name).Set(d.Seconds()) },
		Stretched:  func(time.Duration) { stretched.Inc() },
		DirectRead: func(took time.Duration, _ int) { reads.Observe(took.Seconds()) },
		Answered:   func(age time.Duration) { ages.Observe(age.Seconds()) },
		Queries:    func(n int) { v.queries.WithLabelValues(c.name).Set(float64(n)) },
		Waiting: func(s collector.WaitStats) {
			v.waits.WithLabelValues(c.name).Set(float64(s.Waits))
			v.waitPartitions.WithLabelValues(c.name).Set(float64(s.Partitions))
			v.waitDenied.WithLabelValues(c.name).Set(float64(s.DeniedTopics))
		},
		Woken:        func(n int) { v.wakes.WithLabelValues(c.name).Add(float64(n)) },
		Probed:       c.looked,
		AgesSearched: c.agesSearched,
		Panicked:     func(where string) { v.panics.WithLabelValues(c.name, where).Inc() },
	}
}

// clusterVectors are the metrics that have a cluster label.
type clusterVectors struct {
	requests, connects, refreshes, directReads, snapshotAges *prometheus.HistogramVec
	requestErrors, connectErrors                             *prometheus.CounterVec
	refreshLate, refreshStretched                            *prometheus.CounterVec
	wakes, looks, ageSearches, ageRounds, panics             *prometheus.CounterVec
	queries, waits, waitPartitions, waitDenied, interval     *prometheus.GaugeVec

	mu sync.Mutex
	// users counts the observers by cluster.
	users map[string]int
}

// vector is a metric whose series can be removed.
type vector interface {
	prometheus.Collector
	DeletePartialMatch(prometheus.Labels) int
}

func (v *clusterVectors) all() []vector {
	return []vector{
		v.requests, v.requestErrors, v.connects, v.connectErrors,
		v.refreshes, v.refreshLate, v.refreshStretched, v.directReads, v.snapshotAges, v.queries,
		v.waits, v.waitPartitions, v.waitDenied, v.wakes, v.looks, v.ageSearches, v.ageRounds, v.interval, v.panics,
	}
}

// Buckets in seconds.
func kafkaBuckets() []float64 {
	// From a broker in the same rack to beyond the default request timeout of 3 s.
	return prometheus.ExponentialBuckets(0.001, 2, 13)
}

func ageBuckets() []float64 {
	// The refresh interval is 1 s, the default maxSnapshotAge 10 s.
	return []float64{0.25, 0.5, 1, 1.5, 2, 3, 5, 7.5, 10, 20, 60}
}

func newClusterVectors() *clusterVectors {
	return &clusterVectors{
		users: map[string]int{},
		requests: histogram("kafka_request_duration_seconds", kafkaBuckets(),
			"Time from a request to a broker to its response or failure, the wait for a free connection included. Fetch waits for records, up to 30 s.", "api"),
		requestErrors: counter("kafka_request_errors_total",
			"Requests to a broker that got no response, by kind of error. Error codes within a response do not count.", "api", "kind"),
		connects: histogram("kafka_connect_duration_seconds", kafkaBuckets(),
			"Time to open a connection to a broker, TLS and authentication included, or to fail."),
		connectErrors: counter("kafka_connect_errors_total",
			"Attempts to open a connection to a broker that failed, by kind of error.", "kind"),
		refreshes: histogram("refresh_duration_seconds", kafkaBuckets(),
			"Time from the start of a background refresh until its snapshot was published."),
		refreshLate: counter("refresh_late_total",
			"Groups and partitions that a refresh published with an older number, because their broker had not answered by then."),
		refreshStretched: counter("refresh_stretched_total",
			"Refreshes that took longer than the refresh interval, so that the next one started late."),
		interval: clusterGauge("refresh_interval_seconds",
			"Time between two refreshes: that of the configuration, or chosen by the size of the cluster."),
		directReads: histogram("direct_read_duration_seconds", kafkaBuckets(),
			"Time of a direct read for triggers that no refresh covered yet."),
		snapshotAges: histogram("snapshot_age_seconds", ageBuckets(),
			"Age of the snapshots that answers to KEDA were made from."),
		queries: clusterGauge("queries", "Distinct selections of offsets that the background refresh covers."),
		waits:   clusterGauge("waits", "Requests with which brokers are waited on for records, each on a connection of its own."),
		waitPartitions: clusterGauge("wait_partitions",
			"Partitions that are waited on for records, because a stream of external-push depends on them and is not active."),
		waitDenied: clusterGauge("wait_denied_topics",
			"Topics that should be waited on and are polled instead: the principal may not Read them."),
		wakes: counter("wakes_total", "Partitions in which a wait found new records."),
		looks: counter("looks_total",
			"Partitions whose log was looked into for phantom lag, by result: empty (no record is left), record, unclear (looked into again), error.", "result"),
		ageSearches: counter("age_searches_total",
			"Partitions whose oldest unconsumed record was searched for by its timestamp, by result: found or unknown.", "result"),
		panics: counter("panics_total",
			"Panics outside RPCs, which are defects of the scaler, by what they ended. What they concern is read again.", "where"),
		ageRounds: counter("age_search_rounds_total",
			"Rounds of requests that these searches took together; a round is one ListOffsets a broker."),
	}
}

func clusterGauge(name, help string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: Namespace, Name: name, Help: help}, []string{"cluster"})
}

func histogram(name string, buckets []float64, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: Namespace, Name: name, Help: help, Buckets: buckets},
		append([]string{"cluster"}, labels...))
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: Namespace, Name: name, Help: help},
		append([]string{"cluster"}, labels...))
}
