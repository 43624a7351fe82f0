package main

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/metrics"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaler"
)

// TestMetricsPage: docs/metrics.md is made from a registry in which everything has happened once.
func TestMetricsPage(t *testing.T) {
	registry := busyRegistry(t)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	page.WriteString(`<!-- Generated from the registry: go test ./cmd/scaler -update -->
# Metrics

On ` + "`/metrics`" + ` of the HTTP port, besides those of the Go runtime (` + "`go_*`" + `) and
of the process (` + "`process_*`" + `). The series of a trigger vanish ten minutes after KEDA
last asked about it, those of a cluster when it leaves the configuration or, named
by a trigger only, falls idle.

` + "`namespace`, `scaledObject` and `metric`" + ` are KEDA's own label names, so that these
metrics and KEDA's can be joined. Scrape with ` + "`honorLabels: true`" + `, or Prometheus
renames the first to ` + "`exported_namespace`" + `.

Metadata that is no trigger has no metric name: its one series, ` + "`kafka_scaler_decision_failed`" + `
with kind ` + "`invalid`" + `, has an empty ` + "`metric`" + `, and there is one for a ScaledObject, however many
of its triggers are wrong. It vanishes within two minutes of the correction, and twenty
minutes after KEDA last asked: KEDA repeats a failing reconcile ever more rarely, up to
every 17 minutes.

` + "`kind`" + ` says whose move it is:
` + kinds() + `.
` + "`rule`" + ` is a step of the decision, as ` + "`kafka-scaler explain`" + ` shows it.

| metric | type | labels | meaning |
|---|---|---|---|
`)
	shown := map[string]bool{}
	for _, f := range families {
		shown[f.GetName()] = true
		if isRuntime(f.GetName()) {
			continue
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), labels(f), f.GetHelp())
	}
	verify(t, "metrics.md", page.String())
	for _, name := range described(registry) {
		if !shown[name] && !isRuntime(name) {
			t.Errorf("%s is registered, but never happened in this test, so the page lacks it", name)
		}
	}
}

func kinds() string {
	var names []string
	for k := fault.Internal; k <= fault.Exhausted; k++ {
		names = append(names, "`"+k.String()+"`")
	}
	return strings.Join(names, ", ")
}

// busyRegistry returns a registry in which every metric has a series.
func busyRegistry(t *testing.T) *prometheus.Registry {
	t.Helper()
	m := metrics.New(metrics.Build{})
	if _, err := scaler.NewServer(scaler.Options{Registerer: m.Registry}); err != nil {
		t.Fatal(err)
	}
	m.CountConnections(func() map[string]int { return map[string]int{"orders": 1} })
	c := m.Cluster("orders")
	c.Collector()
	c.Collector().Queries(1)
	c.Collector().Interval(time.Second)
	c.Collector().Waiting(collector.WaitStats{Waits: 1})
	c.Collector().Woken(1)
	c.Collector().Panicked("refresh")
	c.Collector().Probed(collector.ProbeStats{Empty: 1})
	c.Collector().AgesSearched(collector.AgeStats{Found: 1, Rounds: 1})
	c.RequestDone("ListOffsets", 1, time.Millisecond, errors.New("no answer"))
	c.ConnectDone(1, time.Millisecond, errors.New("refused"))
	now := time.Now()
	m.Observe("shop", "orders", "kafka-orders").Decided(policy.Decision{Target: 1, Limit: policy.RulePartitionCap}, now)
	replicas := m.Observe("shop", "orders", "kafka-orders-replicas")
	replicas.Decided(policy.Decision{Target: 1000, Unit: policy.Millireplicas}, now)
	replicas.Planned(latency.Decision{Replicas: 1, Limit: latency.RuleStuck, Sizes: []latency.Size{{Replicas: 1}}})
	m.Observe("shop", "audit", "kafka-audit").Decided(policy.Decision{Err: &fault.Error{Kind: fault.Unavailable}}, now)
	return m.Registry
}

func isRuntime(name string) bool {
	return strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_")
}

func labels(f *dto.MetricFamily) string {
	var names []string
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if name := "`" + l.GetName() + "`"; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// described returns the names of all metrics that are registered.
func described(registry *prometheus.Registry) []string {
	descs := make(chan *prometheus.Desc)
	go func() {
		registry.Describe(descs)
		close(descs)
	}()
	name := regexp.MustCompile(`fqName: "([^"]+)"`)
	var names []string
	for d := range descs {
		if match := name.FindStringSubmatch(d.String()); match != nil {
			names = append(names, match[1])
		}
	}
	return names
}
