package trigger

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// Latency is what a trigger with targetLatency says.
type Latency struct {
	// Config is for the planner of the trigger's consumer group. It passes [latency.Config.Check].
	Config latency.Config
	// Advise is `latencyMode: advise`: the metric stays that of the lag, and what the planner would do is only shown.
	Advise bool
}

// ScalesByLatency reports whether the metric is the number of replicas that keeps records within targetLatency.
func (t *Trigger) ScalesByLatency() bool { return t.Latency != nil && !t.Latency.Advise }

// Bounds of the parameters about latency, where pkg/policy/latency has no narrower ones.
const (
	minStartupDelay = time.Second
	maxStartupDelay = time.Hour
	maxServiceRate  = 1e9
	maxChangePrice  = 1e6
)

// latency reads targetLatency and what belongs to it; nil without targetLatency.
func (p *parser) latency() *Latency {
	l := &Latency{
		Config: latency.Config{
			TargetLatency: p.duration("targetLatency", latency.LowestTarget, latency.HighestTarget),
			Attainment: p.number("targetAttainment", "must be above 0.5 and below 1", "write a share: 0.999 is 99.9 %",
				func(share float64) bool { return share > 0.5 && share < 1 }),
			MaxReplicas: p.maxReplicas(),
			ServiceRate: p.number("serviceRate", "must be above 0 and at most 1000000000",
				"write the records a second that a busy replica consumes, or leave it out to have them learned",
				func(rate float64) bool { return rate > 0 && rate <= maxServiceRate }),
			StartupDelay: p.duration("startupDelay", minStartupDelay, maxStartupDelay),
			ChangePrice: p.number("changePrice", "must be from 0 to 1000000", "write replica-seconds, such as 600",
				func(price float64) bool { return price >= 0 && price <= maxChangePrice }),
		},
		Advise: p.oneOf("latencyMode") == "advise",
	}
	if l.Config.ChangePrice == 0 {
		l.Config.ChangePrice = -1 // to the planner 0 is the default, and what is negative costs nothing
	}
	if !p.given("targetLatency") {
		return nil
	}
	return l
}

// assign tells the planner how partitions are consumed.
func (l *Latency) assign(partitionsPerReplica int64, coPartitioned bool) {
	if l == nil {
		return
	}
	l.Config.PartitionsPerReplica = int(min(partitionsPerReplica, latency.MostPartitions))
	l.Config.CoPartitioned = coPartitioned
}

// maxReplicas is bounded by what Kubernetes can count; 0 where it is not given.
func (p *parser) maxReplicas() int {
	n := p.integer("maxReplicas", 1)
	if n > math.MaxInt32 {
		p.report("maxReplicas", p.metadata["maxReplicas"], fmt.Sprintf("must be at most %d", math.MaxInt32), "write a smaller number")
		return 0
	}
	return int(n)
}

// number returns a decimal number, and its default, 0 where it has none, where the value is none or out of range. rule
// and remedy are what is said of the latter.
func (p *parser) number(name, rule, remedy string, inRange func(float64) bool) float64 {
	fallback, _ := parseDecimal(p.defaultOf(name))
	value, field, given := p.lookup(name)
	if !given {
		return fallback
	}
	n, ok := parseDecimal(value)
	switch {
	case !ok:
		p.report(field, value, "is not a decimal number", "write digits and at most one point, such as 0.5 or 40")
		return fallback
	case !inRange(n):
		p.report(field, value, rule, remedy)
		return fallback
	}
	return n
}

// parseDecimal takes digits with at most one point among or before them, and a minus sign: no exponent, no infinity.
func parseDecimal(s string) (float64, bool) {
	if strings.Trim(s, "-.0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// latencyConflicts are about targetLatency and what it takes the place of.
func latencyConflicts() []conflict {
	scales := func(t *Trigger) bool { return t.ScalesByLatency() }
	var rules []conflict
	for _, name := range []string{"lagThreshold", "lagSecondsThreshold"} {
		rules = append(rules, conflict{
			"targetLatency", "cannot go together with " + name + ", whose place it takes",
			"leave " + name + " out, or set latencyMode: advise to go on scaling by it",
			func(p *parser, t *Trigger) bool { return scales(t) && p.given(name) },
		})
	}
	for _, name := range []string{"allowIdleConsumers", "limitToPartitionsWithLag", "ensureEvenDistributionOfPartitions"} {
		rules = append(rules, conflict{
			"targetLatency", "cannot go together with " + name + ": it chooses among the counts that partitions can feed", "leave " + name + " out",
			func(p *parser, t *Trigger) bool { return scales(t) && p.isTrue(name) },
		})
	}
	rules = append(rules, conflict{
		"targetLatency", "cannot go together with evenDistribution: it chooses among the counts of evenDistribution near", "leave evenDistribution out",
		func(p *parser, t *Trigger) bool { return scales(t) && p.given("evenDistribution") },
	}, conflict{
		"targetLatency", "needs a single consumer group", "use one trigger a group",
		func(_ *parser, t *Trigger) bool { return t.Latency != nil && len(t.Selection.ConsumerGroups) > 1 },
	})
	for _, name := range []string{"targetAttainment", "maxReplicas", "serviceRate", "startupDelay", "changePrice", "latencyMode"} {
		rules = append(rules, conflict{
			name, "needs targetLatency", "set targetLatency, or leave this out",
			func(p *parser, t *Trigger) bool { return t.Latency == nil && p.given(name) },
		})
	}
	return rules
}
