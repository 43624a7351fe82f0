package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
)

// Table writes what came out for one objective, for people, and the answer to which lagThreshold to take.
func Table(w io.Writer, c *comparison.Comparison, objective int) error {
	s := &c.Setup
	length := s.Scenario.Length
	fmt.Fprintf(w, "%s of arrivals: %.4g records a second on average, %.4g in the highest minute; %s\n",
		comparison.Short(length), s.Trace.Mean(s.From, s.From+length), s.Trace.Peak(s.From, s.From+length), groupOf(s))
	fmt.Fprintf(w, "Objective: %s of the records within %s\n\n", percent(s.Attainment), comparison.Short(s.Scenario.Objectives[objective]))

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "POLICY\tIN TIME\tP50\tP99\tMAX\tREPLICA-HOURS\tOVER PLAN\tCHANGES/DAY\tREBALANCES/DAY")
	for _, r := range c.Table(objective) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.1f\t%.2f\t%.0f\t%.0f\n", name(r), inTime(r), seconds(r.P50), seconds(r.P99), seconds(r.Max),
			r.ReplicaHours, r.Ratio, r.ChangesPerDay, r.RebalancesPerDay)
	}
	plan := c.Bounds[objective]
	day := float64(24*time.Hour) / float64(length)
	fmt.Fprintf(t, "clairvoyant plan\t%s\t\t\t\t%.1f\t1.00\t%.0f\t\n", planned(c, objective), c.PlanHours(objective), float64(plan.Changes)*day)
	fmt.Fprintf(t, "work without waiting or moving\t\t\t\t\t%.1f\t%.2f\t\t\n", c.Work, c.Work/c.PlanHours(objective))
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(Answers(c, objective), "\n"))
	return err
}

// groupOf says what was simulated.
func groupOf(s *comparison.Setup) string {
	k := &s.Scenario
	return fmt.Sprintf("%d partitions, %.4g records a second and replica (%s), ready after %s to %s, %s rebalances of %s",
		k.Partitions, k.ServiceRate, k.Service, comparison.Short(k.StartupMin), comparison.Short(k.StartupMax), k.Protocol, comparison.Short(k.Pause))
}

// name is the policy's, and says where the best of several was chosen afterwards.
func name(r comparison.Row) string {
	if r.Chosen {
		return r.Name + " (best of those tried)"
	}
	return r.Name
}

// inTime marks what is not enough.
func inTime(r comparison.Row) string {
	if !r.Attained {
		return share(r.InTime) + " (too few)"
	}
	return share(r.InTime)
}

func planned(c *comparison.Comparison, objective int) string {
	if excused := c.Bounds[objective].Excused; excused > 0 {
		return fmt.Sprintf("all but %.0f records", excused)
	}
	return "100 %"
}

// share never rounds up to 100 %.
func share(in float64) string {
	text := fmt.Sprintf("%.3f %%", 100*in)
	switch {
	case in >= 1:
		return "100 %"
	case strings.HasPrefix(text, "100"):
		return "99.999 %"
	}
	return text
}

func percent(of float64) string { return fmt.Sprintf("%.6g %%", 100*of) }

// seconds shows a latency with a precision that suits its size.
func seconds(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d < 10*time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}
