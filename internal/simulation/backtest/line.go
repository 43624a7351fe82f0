package backtest

import (
	"fmt"
	"io"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
)

// Line writes what came out of a case, one line an objective.
func Line(w io.Writer, c *Case) {
	for i, o := range c.Setup.Scenario.Objectives {
		fmt.Fprintf(w, "%-17s %-6s skew %.1f seed %d %4.0fs | plan %6.1f h %3d changes", c.Trace, c.Protocol, c.Skew, c.Seed,
			o.Seconds(), c.PlanHours(i), c.Bounds[i].Changes)
		if c.Bounds[i].Excused > 0 {
			fmt.Fprintf(w, " (%.0f records cannot be in time)", c.Bounds[i].Excused)
		}
		for _, r := range c.Of(comparison.KindLatency, i) {
			fmt.Fprintf(w, " | ours %7.3f %% %6.1f h x%.3f p99 %.1fs %.0f changes/d", 100*r.InTime, r.ReplicaHours, r.Ratio, r.P99.Seconds(), r.ChangesPerDay)
		}
		if r, ok := c.CheapestRival(i); ok {
			fmt.Fprintf(w, " | %s %7.3f %% %6.1f h x%.3f %.0f changes/d", r.Name, 100*r.InTime, r.ReplicaHours, r.Ratio, r.ChangesPerDay)
		}
		fmt.Fprintln(w)
	}
}
