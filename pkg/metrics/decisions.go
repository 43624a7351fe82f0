package metrics

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
)

var _ scaledobject.Observer = (*Metrics)(nil)

// decisionKey identifies a decision by KEDA's own label names, so that its
// metrics and KEDA's can be joined.
type decisionKey struct{ namespace, scaledObject, metric string }

// decisions collects the newest decision of every trigger when it is scraped.
type decisions struct {
	value, target, active, limited, failed *prometheus.Desc
	planned                                plannedDescs

	mu sync.Mutex
	// series are those that are open. A trigger that was edited has the same key as the one that replaced it.
	series map[decisionKey][]*decisionSeries
	// order counts the decisions.
	order uint64
}

func newDecisions() *decisions {
	desc := func(name, help string, more ...string) *prometheus.Desc {
		labels := append([]string{"namespace", "scaledObject", "metric"}, more...)
		return prometheus.NewDesc(prometheus.BuildFQName(Namespace, "decision", name), help, labels, nil)
	}
	return &decisions{
		value:   desc("value", "Metric value that KEDA gets, in records; in seconds with lagSecondsThreshold, whose metric ends in -seconds; in thousandths of a replica with targetLatency, whose metric ends in -replicas. Absent while it is not known."),
		target:  desc("target", "Target of the metric: lagThreshold in records, lagSecondsThreshold in seconds, or with targetLatency 1000 thousandths of a replica."),
		active:  desc("active", "1 if the workload should run at all, else 0. Absent while that is not known; it can be 1 while the value is not known, if the lag that is known suffices."),
		limited: desc("limited", "1 while a rule holds the value below the total lag or the age; the rule is a label.", "rule"),
		failed:  desc("failed", "1 while KEDA gets an error instead of a value; the kind of error is a label. metric is empty where the metadata is no trigger.", "kind"),
		planned: newPlannedDescs(),
		series:  map[decisionKey][]*decisionSeries{},
	}
}

// decisionSeries are the series of one trigger.
type decisionSeries struct {
	of  *decisions
	key decisionKey
	// newest is the newest decision, and order its number; 0 before the first.
	newest policy.Decision
	order  uint64
	// planned is what the planner of targetLatency decided last.
	planned plannedDecision
}

// Observe implements scaledobject.Observer.
func (m *Metrics) Observe(namespace, name, metric string) scaledobject.Series {
	d := m.decisions
	s := &decisionSeries{of: d, key: decisionKey{namespace, name, metric}}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.series[s.key] = append(d.series[s.key], s)
	return s
}

// Decided implements scaledobject.Series.
func (s *decisionSeries) Decided(d policy.Decision, _ time.Time) {
	d.Steps = nil // not shown, and not to be kept alive
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.of.order++
	s.newest, s.order = d, s.of.order
}

// Planned implements scaledobject.Series.
func (s *decisionSeries) Planned(d latency.Decision) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.planned = plannedOf(d)
}

// Close implements scaledobject.Series.
func (s *decisionSeries) Close() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	left := slices.DeleteFunc(s.of.series[s.key], func(o *decisionSeries) bool { return o == s })
	if s.of.series[s.key] = left; len(left) == 0 {
		delete(s.of.series, s.key)
	}
}

// Describe implements prometheus.Collector.
func (d *decisions) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{d.value, d.target, d.active, d.limited, d.failed} {
		ch <- desc
	}
	d.planned.describe(ch)
}

// Collect implements prometheus.Collector.
func (d *decisions) Collect(ch chan<- prometheus.Metric) {
	turn := pace.New().Of(context.Background())
	turn.Begin()
	defer turn.End()
	for key, newest := range d.newest() {
		decision := newest.decision
		turn.Pause()
		emit := func(desc *prometheus.Desc, value float64, more ...string) {
			// A label that is not UTF-8 would end the process, and these come from outside.
			labels := append([]string{text(key.namespace), text(key.scaledObject), text(key.metric)}, more...)
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
		}
		d.planned.emit(&newest.planned, emit)
		// No trigger has a target of 0, but what is no trigger at all.
		if decision.Target > 0 {
			emit(d.target, float64(decision.Target))
		}
		if decision.Err == nil || decision.Active {
			emit(d.active, oneIf(decision.Active))
		}
		if decision.Err != nil {
			emit(d.failed, 1, fault.KindOf(decision.Err).String())
			continue
		}
		emit(d.value, float64(decision.Value))
		if decision.Limit != "" {
			emit(d.limited, 1, string(decision.Limit))
		}
	}
}

// newestDecision is what is shown of a trigger.
type newestDecision struct {
	decision policy.Decision
	planned  plannedDecision
}

// newest returns the newest decision for each key. It lets the scrape take its time without holding up decisions.
func (d *decisions) newest() map[decisionKey]newestDecision {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make(map[decisionKey]newestDecision, len(d.series))
	for key, series := range d.series {
		last := series[0]
		for _, s := range series[1:] {
			if s.order > last.order {
				last = s
			}
		}
		if last.order > 0 {
			all[key] = newestDecision{last.newest, last.planned}
		}
	}
	return all
}

func text(label string) string { return strings.ToValidUTF8(label, "\uFFFD") }

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
