package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Namespace begins the name of every metric of our own.
const Namespace = "kafka_scaler"

// Build labels the build_info metric.
type Build struct {
	Version, Revision, GoVersion string
}

// Metrics are all metrics of one process.
type Metrics struct {
	// Registry is what /metrics serves. The gRPC server registers its own there.
	Registry *prometheus.Registry

	decisions *decisions
	clusters  *clusterVectors

	reloadOK   prometheus.Gauge
	reloadTime prometheus.Gauge
	reloads    *prometheus.CounterVec
}

// New returns the metrics with their registry, the Go runtime's and the process's among them.
func New(build Build) *Metrics {
	m := &Metrics{
		Registry:  prometheus.NewRegistry(),
		decisions: newDecisions(),
		clusters:  newClusterVectors(),
		reloadOK: gauge("config_last_reload_successful",
			"1 if the newest attempt to read the configuration file succeeded, 0 if an older configuration is in force."),
		reloadTime: gauge("config_last_reload_success_timestamp_seconds",
			"When the configuration in force was read, in seconds since 1970."),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: Namespace, Name: "config_reloads_total",
			Help: "Attempts to read the configuration file again, by result: ok or error.",
		}, []string{"result"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: Namespace, Name: "build_info",
		Help:        "Always 1; the labels say which build this is.",
		ConstLabels: prometheus.Labels{"version": build.Version, "revision": build.Revision, "goversion": build.GoVersion},
	})
	info.Set(1)
	m.Registry.MustRegister(info, m.decisions, m.reloadOK, m.reloadTime, m.reloads,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, v := range m.clusters.all() {
		m.Registry.MustRegister(v)
	}
	for _, result := range []string{"ok", "error"} {
		m.reloads.WithLabelValues(result)
	}
	return m
}

// ConfigLoaded notes that the first configuration is in force.
func (m *Metrics) ConfigLoaded(at time.Time) {
	m.reloadOK.Set(1)
	m.reloadTime.Set(float64(at.UnixMilli()) / 1000)
}

// ConfigReloaded notes an attempt to read the configuration again.
func (m *Metrics) ConfigReloaded(err error, at time.Time) {
	if err != nil {
		m.reloadOK.Set(0)
		m.reloads.WithLabelValues("error").Inc()
		return
	}
	m.reloads.WithLabelValues("ok").Inc()
	m.ConfigLoaded(at)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: Namespace, Name: name, Help: help})
}
