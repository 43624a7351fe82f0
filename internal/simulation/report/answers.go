package report

import (
	"fmt"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
)

// Answers are sentences about what to do: which lagThreshold to take, and what targetLatency would make of it.
func Answers(c *comparison.Comparison, objective int) []string {
	var answers []string
	if a := threshold(c, objective); a != "" {
		answers = append(answers, a)
	}
	for _, r := range c.Of(comparison.KindLatency, objective) {
		verdict := "keeps"
		if !r.Attained {
			verdict = "does not keep"
		}
		answers = append(answers, fmt.Sprintf("targetLatency: %s %s the objective: %s in time with %.1f replica-hours, %.2f times the clairvoyant plan.",
			comparison.Short(c.Setup.Scenario.Objectives[objective]), verdict, share(r.InTime), r.ReplicaHours, r.Ratio))
	}
	if excused := c.Bounds[objective].Excused; excused > 0 {
		answers = append(answers, fmt.Sprintf("Nobody could keep every record within the objective: at least %.0f records come too late with %d replicas.",
			excused, c.Setup.Scenario.Ceiling()))
	}
	return answers
}

// threshold answers "which lagThreshold should I take?".
func threshold(c *comparison.Comparison, objective int) string {
	rows := c.Of(comparison.KindLag, objective)
	if len(rows) == 0 {
		return ""
	}
	tried := make([]string, len(rows))
	for i, r := range rows {
		tried[i] = fmt.Sprint(r.Threshold)
	}
	best := c.Best(rows)
	within := fmt.Sprintf("%s of the records within %s", percent(c.Setup.Attainment), comparison.Short(c.Setup.Scenario.Objectives[objective]))
	if !best.Attained {
		return fmt.Sprintf("Which lagThreshold? None of those tried (%s) keeps %s. Closest is %d: %s in time with %.1f replica-hours and %.0f rebalances a day.",
			strings.Join(tried, ", "), within, best.Threshold, share(best.InTime), best.ReplicaHours, best.RebalancesPerDay)
	}
	return fmt.Sprintf("Which lagThreshold? %d: the cheapest of those tried (%s) that keeps %s: %s in time with %.1f replica-hours and %.0f rebalances a day.",
		best.Threshold, strings.Join(tried, ", "), within, share(best.InTime), best.ReplicaHours, best.RebalancesPerDay)
}
