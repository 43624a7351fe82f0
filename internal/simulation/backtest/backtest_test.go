package backtest_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/backtest"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/trace"
)

// made is a trace of three days that this test makes: a daily wave with a sharp hour in it.
func made(t *testing.T) backtest.Named {
	t.Helper()
	var seconds, rates []float64
	for s := 0.0; s <= 3*24*3600; s += 300 {
		r := 100 + 60*math.Sin(s/86400*2*math.Pi)
		if hour := math.Mod(s/3600, 24); hour >= 20 && hour < 21 {
			r *= 2
		}
		seconds, rates = append(seconds, s), append(rates, r)
	}
	tr, err := trace.New(seconds, rates)
	if err != nil {
		t.Fatal(err)
	}
	return backtest.Named{Name: "made", Source: "this test", Trace: tr}
}

// quick is the grid in small: a trace that the test makes, twelve partitions, one hour of each case.
func quick(t *testing.T) backtest.Grid {
	t.Helper()
	g := backtest.Full()
	g.Traces = []backtest.Named{made(t)}
	g.Objectives = []time.Duration{30 * time.Second, 60 * time.Second}
	g.Skews, g.Seeds, g.Load = []float64{0}, 2, 3
	g.Scenario.Partitions, g.Scenario.ServiceRate = 12, 5
	g.Scenario.Warmup, g.Scenario.Length = 10*time.Minute, time.Hour
	return g
}

// The whole way from a trace to the page, for all policies, in small.
func TestQuick(t *testing.T) {
	g := quick(t)
	summary := backtest.NewSummary(g)
	var lines strings.Builder
	cases := 0
	err := g.Run(t.Context(), 2, func(c *backtest.Case) {
		cases++
		summary.Add(c)
		backtest.Line(&lines, c)
		for i := range g.Objectives {
			for _, r := range c.Table(i) {
				if r.InTime < 0 || r.InTime > 1 || r.Records == 0 || r.ReplicaHours <= 0 {
					t.Errorf("%s: %+v", c, r)
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := len(g.Protocols) * g.Seeds; cases != want || strings.Count(lines.String(), "\n") != 2*want {
		t.Errorf("%d cases, want %d:\n%s", cases, want, &lines)
	}
	page := filepath.Join(t.TempDir(), "latency.md")
	before, after := "# Title\n\n<!-- backtest: made by make backtest -->", "<!-- end of backtest -->\n\nMore.\n"
	for range 2 { // what is written once can be written again
		if _, err := os.Stat(page); err != nil {
			if err := os.WriteFile(page, []byte(before+"\nof yesterday\n"+after), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := summary.WritePage(page); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		got := string(text)
		if !strings.HasPrefix(got, before) || !strings.HasSuffix(got, after) || strings.Contains(got, "of yesterday") {
			t.Errorf("the page is\n%s", got)
		}
		for _, want := range []string{"| **targetLatency** | ", "KEDA lagThreshold, best in hindsight", "| made | 30s | ", "### Objective 1m\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("the page has no %q:\n%s", want, got)
			}
		}
	}
	if err := os.WriteFile(page, []byte("# Nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := summary.WritePage(page); err == nil {
		t.Error("a page without markers was written")
	}
}

// Without rivals the table does not say that none attains the objective.
func TestSummaryWithoutRivals(t *testing.T) {
	for want, kinds := range map[string][]comparison.Kind{
		"none was run":    {comparison.KindLatency},
		"none attains it": {comparison.KindLatency, comparison.KindCatchUp},
	} {
		g := quick(t)
		g.Kinds, g.Seeds = kinds, 1
		g.Protocols, g.Objectives = g.Protocols[:1], []time.Duration{5 * time.Second}
		summary := backtest.NewSummary(g)
		if err := g.Run(t.Context(), 1, summary.Add); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := summary.Markdown(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}

// Each seed scores another part of a long trace, and leaves a day of past before it.
func TestSeedsChooseDays(t *testing.T) {
	g := quick(t)
	g.Protocols = []simulation.Protocol{simulation.Eager}
	g.Kinds = append(g.Kinds, comparison.KindMost)
	g.Seeds = 3
	seen := map[string]bool{}
	if err := g.Run(t.Context(), 1, func(c *backtest.Case) {
		from := c.Setup.From
		if from < 24*time.Hour || from+c.Setup.Scenario.Length > c.Setup.Trace.Length() {
			t.Errorf("%s: from %s", c, from)
		}
		seen[fmt.Sprint(from)] = true
		if mean := c.Work / c.Setup.Scenario.Length.Hours(); math.Abs(mean/g.Load-1) > 0.05 {
			t.Errorf("%s: the work is %.2f replicas", c, mean)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 {
		t.Errorf("scored from %v", seen)
	}
}

func TestLoadSaysWhatIsMissing(t *testing.T) {
	if _, err := backtest.Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "wc98_group_60s.csv") {
		t.Errorf("got %v", err)
	}
	if _, err := backtest.Load(t.TempDir(), "WorldCup2026"); err == nil || !strings.Contains(err.Error(), `no trace "WorldCup2026"`) {
		t.Errorf("got %v", err)
	}
}
