package backtest

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
)

// Summary adds up cases.
type Summary struct {
	grid  Grid
	cells map[cell]*tally
	// kinds is the order in which policies were seen.
	kinds []comparison.Kind
	names map[comparison.Kind]string
	cases int
}

// cell is what is summed up together: one policy on one trace at one objective.
type cell struct {
	kind      comparison.Kind
	trace     string
	objective time.Duration
}

// tally is the sum of several runs.
type tally struct {
	runs, attained                   int
	inTime, leastInTime              float64
	ratio, highestRatio              float64
	rival, highestRival              float64 // over the cheapest rival that attains the objective
	rivals                           int
	changes, mostChanges, rebalances float64
}

// NewSummary returns a summary without cases.
func NewSummary(g Grid) *Summary {
	return &Summary{grid: g, cells: map[cell]*tally{}, names: map[comparison.Kind]string{}}
}

// Add takes a case in.
func (s *Summary) Add(c *Case) {
	s.cases++
	for i, o := range c.Setup.Scenario.Objectives {
		rival, ok := c.CheapestRival(i)
		for _, r := range c.Table(i) {
			if _, seen := s.names[r.Kind]; !seen {
				s.kinds = append(s.kinds, r.Kind)
				s.names[r.Kind] = label(r)
			}
			for _, trace := range []string{c.Trace, ""} {
				for _, objective := range []time.Duration{o, 0} {
					s.of(cell{r.Kind, trace, objective}).add(r, rival, ok)
				}
			}
		}
	}
}

// label is a policy's name without what differs from case to case.
func label(r comparison.Row) string {
	switch r.Kind {
	case comparison.KindLag:
		return "KEDA lagThreshold, best in hindsight"
	case comparison.KindEven:
		return "KEDA lagThreshold, even distribution, best in hindsight"
	case comparison.KindPeak, comparison.KindMost:
		name, _, _ := strings.Cut(r.Name, ":")
		return name
	case comparison.KindLatency:
		return "**targetLatency**"
	default:
		return r.Name
	}
}

// rivals reports whether other policies were run as well.
func (s *Summary) rivals() bool {
	return slices.ContainsFunc(s.kinds, func(k comparison.Kind) bool { return k != comparison.KindLatency })
}

func (s *Summary) of(c cell) *tally {
	t := s.cells[c]
	if t == nil {
		t = &tally{leastInTime: 1}
		s.cells[c] = t
	}
	return t
}

func (t *tally) add(r, rival comparison.Row, ok bool) {
	t.runs++
	if r.Attained {
		t.attained++
	}
	t.inTime += r.InTime
	t.leastInTime = min(t.leastInTime, r.InTime)
	t.ratio += r.Ratio
	t.highestRatio = max(t.highestRatio, r.Ratio)
	t.changes += r.ChangesPerDay
	t.mostChanges = max(t.mostChanges, r.ChangesPerDay)
	t.rebalances += r.RebalancesPerDay
	if ok {
		t.rivals++
		share := r.ReplicaHours / rival.ReplicaHours
		t.rival += share
		t.highestRival = max(t.highestRival, share)
	}
}

func mean(sum float64, n int) float64 {
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}

// Markdown writes the tables.
func (s *Summary) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d cases: %s.\n", s.cases, s.describe())
	for _, o := range s.grid.Objectives {
		s.policies(&b, o)
	}
	s.traces(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Summary) describe() string {
	g := &s.grid
	var names, objectives, protocols, skews []string
	for _, t := range g.Traces {
		names = append(names, t.Name)
	}
	for _, o := range g.Objectives {
		objectives = append(objectives, comparison.Short(o))
	}
	for _, p := range g.Protocols {
		protocols = append(protocols, string(p))
	}
	for _, k := range g.Skews {
		skews = append(skews, fmt.Sprint(k))
	}
	return fmt.Sprintf("%d traces (%s), objectives %s, rebalances %s, skew %s, %d seeds; %d partitions, %g records a second and replica, %s service times, on average %g replicas' worth of records",
		len(names), strings.Join(names, ", "), strings.Join(objectives, ", "), strings.Join(protocols, ", "), strings.Join(skews, ", "),
		g.Seeds, g.Scenario.Partitions, g.Scenario.ServiceRate, g.Scenario.Service, g.Load)
}

// policies writes the table of all policies at one objective.
func (s *Summary) policies(b *strings.Builder, o time.Duration) {
	fmt.Fprintf(b, "\n### Objective %s\n\n", comparison.Short(o))
	b.WriteString("| policy | runs that attain it | in time, mean | least | replica-hours over the clairvoyant plan's, mean | highest | changes a day | rebalances a day |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|\n")
	for _, k := range s.kinds {
		t := s.of(cell{k, "", o})
		fmt.Fprintf(b, "| %s | %d of %d | %.3f %% | %.3f %% | %.3f | %.3f | %.0f | %.0f |\n", s.names[k], t.attained, t.runs,
			100*mean(t.inTime, t.runs), 100*t.leastInTime, mean(t.ratio, t.runs), t.highestRatio, mean(t.changes, t.runs), mean(t.rebalances, t.runs))
	}
}

// traces writes how targetLatency did on each trace.
func (s *Summary) traces(b *strings.Builder) {
	b.WriteString("\n### targetLatency, trace by trace\n\n")
	b.WriteString("| trace | objective | runs that attain it | least in time | over the clairvoyant plan, mean | highest | over the cheapest rival that attains it, mean | highest | changes a day, mean | most |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|\n")
	for _, trace := range append(s.grid.Traces, Named{}) {
		for _, o := range s.grid.Objectives {
			t := s.of(cell{comparison.KindLatency, trace.Name, o})
			name, rival, highest := trace.Name, "none attains it", ""
			if !s.rivals() {
				rival = "none was run"
			}
			if name == "" {
				name = "all"
			}
			if t.rivals > 0 {
				rival, highest = fmt.Sprintf("%.3f (%d runs)", mean(t.rival, t.rivals), t.rivals), fmt.Sprintf("%.3f", t.highestRival)
			}
			fmt.Fprintf(b, "| %s | %s | %d of %d | %.3f %% | %.3f | %.3f | %s | %s | %.0f | %.0f |\n", name, comparison.Short(o), t.attained, t.runs, 100*t.leastInTime,
				mean(t.ratio, t.runs), t.highestRatio, rival, highest, mean(t.changes, t.runs), t.mostChanges)
		}
	}
}

// The markers between which a page has the tables.
const (
	beginMarker = "<!-- backtest: made by make backtest -->"
	endMarker   = "<!-- end of backtest -->"
)

// WritePage puts the tables into a page, between its markers.
func (s *Summary) WritePage(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), beginMarker)
	_, after, ended := strings.Cut(rest, endMarker)
	if !found || !ended {
		return fmt.Errorf("%s: it needs the lines %q and %q", path, beginMarker, endMarker)
	}
	var b strings.Builder
	b.WriteString(before + beginMarker + "\n\n")
	if err := s.Markdown(&b); err != nil {
		return err
	}
	b.WriteString("\n" + endMarker + after)
	return os.WriteFile(path, []byte(b.String()), 0o644) //nolint:gosec // a page of the documentation
}
