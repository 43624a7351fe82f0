package metrics

import (
	"maps"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// decisionKey identifies a decision by KEDA's own label names, so that its
// metrics and KEDA's can be joined.
type decisionKey struct{ namespace, scaledObject, metric string }

// decisions collects the newest decision of every trigger when it is scraped.
type decisions struct {
	value, target, active, limited, failed *prometheus.Desc

	mu     sync.Mutex
	newest map[decisionKey]policy.Decision
}

func newDecisions() *decisions {
	desc := func(name, help string, more ...string) *prometheus.Desc {
		labels := append([]string{"namespace", "scaledObject", "metric"}, more...)
		return prometheus.NewDesc(prometheus.BuildFQName(Namespace, "decision", name), help, labels, nil)
	}
	return &decisions{
		value:   desc("value", "Metric value that KEDA gets, in records, or in seconds with lagSecondsThreshold, whose metric ends in -seconds. Absent while it is not known."),
		target:  desc("target", "Target of the metric: lagThreshold in records, or lagSecondsThreshold in seconds."),
		active:  desc("active", "1 if the workload should run at all, else 0. Absent while that is not known."),
		limited: desc("limited", "1 while a rule holds the value below the total lag or the age; the rule is a label.", "rule"),
		failed:  desc("failed", "1 while KEDA gets an error instead of a value; the kind of error is a label.", "kind"),
		newest:  map[decisionKey]policy.Decision{},
	}
}

// Decided notes the decision about one trigger. With [Metrics.Forgotten] it makes Metrics a scaler.Observer.
func (m *Metrics) Decided(namespace, name, metric string, d policy.Decision) {
	d.Steps = nil // not shown, and not to be kept alive
	m.decisions.mu.Lock()
	defer m.decisions.mu.Unlock()
	m.decisions.newest[decisionKey{namespace, name, metric}] = d
}

// Forgotten removes the series of a trigger that nobody asks about any more.
func (m *Metrics) Forgotten(namespace, name, metric string) {
	m.decisions.mu.Lock()
	defer m.decisions.mu.Unlock()
	delete(m.decisions.newest, decisionKey{namespace, name, metric})
}

// Describe implements prometheus.Collector.
func (d *decisions) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{d.value, d.target, d.active, d.limited, d.failed} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (d *decisions) Collect(ch chan<- prometheus.Metric) {
	for key, decision := range d.copy() {
		emit := func(desc *prometheus.Desc, value float64, more ...string) {
			// A label that is not UTF-8 would end the process, and these come from outside.
			labels := append([]string{text(key.namespace), text(key.scaledObject), text(key.metric)}, more...)
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
		}
		emit(d.target, float64(decision.Target))
		if decision.Err != nil {
			emit(d.failed, 1, fault.KindOf(decision.Err).String())
			continue
		}
		emit(d.value, float64(decision.Value))
		emit(d.active, oneIf(decision.Active))
		if decision.Limit != "" {
			emit(d.limited, 1, string(decision.Limit))
		}
	}
}

// copy lets the scrape take its time without holding up decisions.
func (d *decisions) copy() map[decisionKey]policy.Decision {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.newest)
}

func text(label string) string { return strings.ToValidUTF8(label, "\uFFFD") }

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
