// Package measure takes the figures: it starts the device under test, lets it be
// asked, and reads what that has cost.
package measure

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/deployed"
	"github.com/kafka-scaler/kafka-scaler/internal/procfs"
	"google.golang.org/grpc"

	"github.com/kafka-scaler/kafka-scaler/bench/device"
	"github.com/kafka-scaler/kafka-scaler/bench/load"
	"github.com/kafka-scaler/kafka-scaler/bench/scene"
)

// settle is how long a scaler is left alone before it is measured.
const settle = 4 * time.Second

// Lab is where it happens.
type Lab struct {
	// Binary is the scaler, Rivals the program with KEDA's scalers.
	Binary, Rivals string
	// Self is this program, which is also the echo server.
	Self   string
	Dir    string
	Limits deployed.Limits
	// Window is how long each figure is taken; Load the pace of KEDA.
	Window time.Duration
	Pace   load.Pace
	// Profile is the folder for CPU profiles; empty for none.
	Profile string

	started int
	// lived are the clusters that were not left as they had been set up.
	lived map[*scene.Cluster]bool
}

// Trial is one scaler at work on one cluster.
type Trial struct {
	lab     *Lab
	cluster *scene.Cluster
	scaler  *device.Scaler
	conn    *grpc.ClientConn
	objects []load.Object
	// Filled is how it took up the objects.
	Filled load.Filled
	// FillMetrics are its metrics when that was over.
	FillMetrics device.Metrics
}

const clusterName = "main"

// Begin starts a scaler and lets it hear of n objects within a second.
func (l *Lab) Begin(ctx context.Context, cluster *scene.Cluster, n int, interval time.Duration) (*Trial, error) {
	l.started++
	t := &Trial{lab: l, cluster: cluster, objects: load.Objects(clusterName, cluster.Size, n)}
	var err error
	t.scaler, err = device.Start(l.Binary, filepath.Join(l.Dir, fmt.Sprintf("scaler-%d", l.started)), device.Options{
		Clusters: map[string][]string{clusterName: cluster.Bootstrap}, Interval: interval, Limits: l.Limits, CPUProfile: l.profile(),
	})
	if err != nil {
		return nil, err
	}
	if t.conn, err = load.Dial(t.scaler.Address); err != nil {
		t.End()
		return nil, err
	}
	t.profiled(func() { t.Filled = load.Fill(ctx, t.conn, t.objects, time.Second) })
	// Once a cluster has lived, its lags are others than those that it was set up with.
	if t.Filled.Wrong != "" && !l.lived[cluster] {
		t.End()
		return nil, errors.New("the scaler is wrong: " + t.Filled.Wrong)
	}
	if t.FillMetrics, err = t.scaler.Metrics(); err != nil {
		t.End()
		return nil, err
	}
	return t, nil
}

func (l *Lab) profile() string {
	if l.Profile == "" {
		return ""
	}
	return filepath.Join(l.Profile, fmt.Sprintf("run-%d", l.started))
}

// End stops the scaler.
func (t *Trial) End() {
	if t.conn != nil {
		_ = t.conn.Close()
	}
	t.scaler.Stop()
}

// Cost is what a scaler has used in a span.
type Cost struct {
	Span time.Duration `json:"span"`
	// CPU is how much of it.
	CPU time.Duration `json:"cpu"`
	// Waited is how long its threads were ready to run while others had the cores.
	Waited      time.Duration `json:"waited"`
	RSS         int64         `json:"rss"`
	PeakRSS     int64         `json:"peakRSS"`
	Connections int           `json:"connections"`
	Refreshes   float64       `json:"refreshes"`
	Stretched   float64       `json:"stretched"`
	// Late are the groups and partitions that were published with older numbers, RequestErrors the requests
	// that got no response, DirectReads the reads for new triggers.
	Late          float64 `json:"late"`
	RequestErrors float64 `json:"requestErrors"`
	DirectReads   float64 `json:"directReads"`
	// Requests are those to brokers, by API.
	Requests map[string]float64 `json:"requests"`
	// RefreshWall is how long a refresh took on average.
	RefreshWall time.Duration `json:"refreshWall"`
	// Heap and Stacks are the Go runtime's memory in use at the end, in bytes, and Goroutines how many there are.
	Heap       float64 `json:"heap"`
	Stacks     float64 `json:"stacks"`
	Goroutines float64 `json:"goroutines"`
	// AgeP99 is the upper bound of the histogram's bucket with the 99th percentile of the age of the
	// snapshots that were answered from, in seconds; -1 where none was.
	AgeP99 float64 `json:"ageP99"`
	// LoadAverage is that of the machine, of the last minute.
	LoadAverage float64 `json:"loadAverage"`
}

// Share is the part of one core.
func (c Cost) Share() float64 { return c.CPU.Seconds() / c.Span.Seconds() }

// CPUPerRefresh is all CPU by the number of refreshes.
func (c Cost) CPUPerRefresh() time.Duration {
	return time.Duration(float64(c.CPU) / max(1, c.Refreshes))
}

// RequestsPerRefresh is the number of requests by that of refreshes.
func (c Cost) RequestsPerRefresh() float64 {
	sum := 0.0
	for _, n := range c.Requests {
		sum += n
	}
	return sum / max(1, c.Refreshes)
}

// reading is the state of the counters at a moment.
type reading struct {
	at      time.Time
	usage   procfs.Usage
	metrics device.Metrics
}

func read(s *device.Scaler) (reading, error) {
	m, err := s.Metrics()
	if err != nil {
		return reading{}, err
	}
	u, err := s.Usage()
	return reading{time.Now(), u, m}, err
}

// costOf reads the counters before and after something.
func (t *Trial) costOf(do func()) (Cost, error) {
	before, err := read(t.scaler)
	if err != nil {
		return Cost{}, err
	}
	do()
	// The page is made by the scaler: what that costs belongs to nobody's figures, so the usage is read first.
	usage, err := t.scaler.Usage()
	if err != nil {
		return Cost{}, err
	}
	after := reading{at: time.Now(), usage: usage}
	if after.metrics, err = t.scaler.Metrics(); err != nil {
		return Cost{}, err
	}
	return cost(before, after, t.cluster.Ports(), clusterName), nil
}

func cost(before, after reading, ports map[int]bool, cluster string) Cost {
	label := fmt.Sprintf("cluster=%q", cluster)
	grown := after.metrics.Since(before.metrics)
	c := Cost{
		Span: after.at.Sub(before.at), CPU: after.usage.CPU - before.usage.CPU,
		Waited: after.usage.Waited - before.usage.Waited,
		RSS:    after.usage.RSS, PeakRSS: after.usage.PeakRSS, Connections: after.usage.ConnectionsTo(ports),
		Refreshes: grown.Sum("kafka_scaler_refresh_duration_seconds_count", label),
		Stretched: grown.Sum("kafka_scaler_refresh_stretched_total", label),
		Requests:  map[string]float64{},

		Late:          grown.Sum("kafka_scaler_refresh_late_total", label),
		RequestErrors: grown.Sum("kafka_scaler_kafka_request_errors_total", label),
		DirectReads:   grown.Sum("kafka_scaler_direct_read_duration_seconds_count", label),

		Heap:        after.metrics["go_memstats_heap_inuse_bytes"],
		Stacks:      after.metrics["go_memstats_stack_inuse_bytes"],
		Goroutines:  after.metrics["go_goroutines"],
		AgeP99:      grown.Quantile(0.99, "kafka_scaler_snapshot_age_seconds", label),
		LoadAverage: procfs.LoadAverage(),
	}
	for api, n := range grown.By("kafka_scaler_kafka_request_duration_seconds_count", "api") {
		if n > 0 {
			c.Requests[api] = n
		}
	}
	if c.AgeP99 != c.AgeP99 {
		c.AgeP99 = -1
	}
	c.RefreshWall = time.Duration(grown.Sum("kafka_scaler_refresh_duration_seconds_sum", label) / max(1, c.Refreshes) * float64(time.Second))
	return c
}

// Quiet is what it costs to keep what was asked about fresh while nobody asks.
func (t *Trial) Quiet(ctx context.Context) (Cost, error) {
	pause(ctx, settle)
	return t.costOf(func() {
		t.profiled(func() { pause(ctx, t.lab.Window) })
	})
}

// profiled takes a profile of what the scaler does meanwhile, where that is wanted.
func (t *Trial) profiled(do func()) {
	if t.lab.Profile != "" {
		_ = t.scaler.BeginProfile()
		defer func() { _ = t.scaler.EndProfile() }()
	}
	do()
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
