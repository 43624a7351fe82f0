// Package report writes down what was measured: as data, as tables beside the
// goals, and as a picture.
package report

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/deployed"

	"github.com/kafka-scaler/kafka-scaler/bench/load"
	"github.com/kafka-scaler/kafka-scaler/bench/measure"
	"github.com/kafka-scaler/kafka-scaler/bench/scene"
)

// Result is one run of the benchmark.
type Result struct {
	At      time.Time     `json:"at"`
	Took    time.Duration `json:"took"`
	Machine Machine       `json:"machine"`
	// Notes say what was left out or cut short.
	Notes   []string         `json:"notes,omitempty"`
	Points  []measure.Point  `json:"points"`
	Big     *Big             `json:"big,omitempty"`
	BadDays []measure.BadDay `json:"badDays"`
}

// Machine is where it ran.
type Machine struct {
	CPU    string          `json:"cpu"`
	Cores  int             `json:"cores"`
	Go     string          `json:"go"`
	Commit string          `json:"commit"`
	Limits deployed.Limits `json:"limits"`
}

// Big is the greatest size, looked at in detail.
type Big struct {
	Cluster  string     `json:"cluster"`
	Size     scene.Size `json:"size"`
	Triggers int        `json:"triggers"`
	// Fill is how all triggers were taken up within a second.
	Fill Fill `json:"fill"`
	// Quiet is the cost while nobody asks.
	Quiet measure.Cost `json:"quiet"`
	// EverySecond is at KEDA's pace with streams open, at an interval of a second for all, Default the same at the
	// intervals that the scaler takes by itself. Shared is EverySecond without a core of its own.
	EverySecond Asked `json:"everySecond"`
	Default     Asked `json:"default"`
	Shared      Asked `json:"shared"`
}

// Asked is a scaler that KEDA asks, beside an echo server.
type Asked struct {
	Cost measure.Cost `json:"cost"`
	// Scaler and Echo are the latencies, EchoShare the part of a core that the echo server used, and EchoWaited
	// the part of the time that it was ready to run and had none.
	Scaler     Latencies `json:"scaler"`
	Echo       Latencies `json:"echo"`
	EchoShare  float64   `json:"echoShare"`
	EchoWaited float64   `json:"echoWaited"`
	Streams    int64     `json:"streams"`
}

// NewAsked sums up what was measured.
func NewAsked(a measure.Asked) Asked {
	took := a.Echo.Took.Seconds()
	return Asked{
		Cost: a.Cost, Scaler: NewLatencies(a.Scaler), Echo: NewLatencies(a.Echo), Streams: a.Streams,
		EchoShare: a.EchoCPU.Seconds() / took, EchoWaited: a.EchoWaited.Seconds() / took,
	}
}

// Fill is how a scaler took up triggers that it had never heard of.
type Fill struct {
	Took        time.Duration      `json:"took"`
	Unfilled    int                `json:"unfilled"`
	Errors      map[string]int     `json:"errors,omitempty"`
	Retries     int                `json:"retries"`
	DirectReads float64            `json:"directReads"`
	Requests    map[string]float64 `json:"requests"`
	P99MS       float64            `json:"p99MS"`
	LoadAverage float64            `json:"loadAverage"`
}

// Latencies are those of the answers to KEDA, in milliseconds, by method.
type Latencies struct {
	CallsPerSecond float64              `json:"callsPerSecond"`
	Errors         map[string]int       `json:"errors,omitempty"`
	Sample         string               `json:"sample,omitempty"`
	ByMethod       map[string]Quantiles `json:"byMethod"`
	// Values are those of GetMetrics and IsActive together.
	Values Quantiles `json:"values"`
}

// Quantiles of a latency in milliseconds.
type Quantiles struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
}

// NewLatencies sums a result up.
func NewLatencies(r load.Result) Latencies {
	l := Latencies{Errors: r.Errors, Sample: r.Sample, ByMethod: map[string]Quantiles{}, Values: quantiles(r, "GetMetrics", "IsActive")}
	if r.Took > 0 {
		l.CallsPerSecond = float64(r.Calls()) / r.Took.Seconds()
	}
	for method := range r.Latencies {
		l.ByMethod[method] = quantiles(r, method)
	}
	return l
}

func quantiles(r load.Result, methods ...string) Quantiles {
	q := func(q float64) float64 { return float64(r.Quantile(q, methods...).Microseconds()) / 1000 }
	return Quantiles{P50: q(0.5), P90: q(0.9), P99: q(0.99), P999: q(0.999)}
}

// point returns the point of a contender on an axis, or nil.
func (r *Result) point(who, axis string, x int) *measure.Point {
	for i := range r.Points {
		if p := &r.Points[i]; p.Who == who && p.Axis == axis && p.X == x {
			return p
		}
	}
	return nil
}
