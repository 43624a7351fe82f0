package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// plannedDecision is what is kept of a decision for targetLatency. The zero value is none.
type plannedDecision struct {
	known    bool
	replicas int
	inTime   float64
	limit    latency.Rule
	// predicted is the highest latency expected with that number, where foreseen is set.
	predicted time.Duration
	foreseen  bool
}

func plannedOf(d latency.Decision) plannedDecision {
	p := plannedDecision{known: !d.Hold, replicas: d.Replicas, inTime: d.InTime, limit: d.Limit}
	for i := range d.Sizes {
		if d.Sizes[i].Replicas == d.Replicas {
			p.predicted, p.foreseen = d.Sizes[i].Worst, true
		}
	}
	return p
}

// plannedDescs are the metrics of such decisions.
type plannedDescs struct{ replicas, inTime, predicted, limited *prometheus.Desc }

func newPlannedDescs() plannedDescs {
	desc := func(name, help string, more ...string) *prometheus.Desc {
		labels := append([]string{"namespace", "scaledObject", "metric"}, more...)
		return prometheus.NewDesc(prometheus.BuildFQName(Namespace, "latency", name), help, labels, nil)
	}
	return plannedDescs{
		replicas:  desc("wanted_replicas", "Replicas that targetLatency asks for, or would with latencyMode advise. Absent while the number is not known."),
		inTime:    desc("in_time_ratio", "Share of the records that were consumed within targetLatency so far, with a memory of some hours, as far as offsets show it."),
		predicted: desc("predicted_seconds", "Highest latency that is expected with the wanted replicas until the number could be changed again."),
		limited:   desc("limited", "1 while a guard keeps targetLatency from a number that would be better; the guard is a label.", "rule"),
	}
}

func (p *plannedDescs) describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{p.replicas, p.inTime, p.predicted, p.limited} {
		ch <- desc
	}
}

// emit shows a decision.
func (p *plannedDescs) emit(d *plannedDecision, emit func(desc *prometheus.Desc, value float64, more ...string)) {
	if d.limit != "" {
		emit(p.limited, 1, string(d.limit))
	}
	if !d.known {
		return
	}
	emit(p.replicas, float64(d.replicas))
	emit(p.inTime, d.inTime)
	if d.foreseen {
		emit(p.predicted, d.predicted.Seconds())
	}
}
