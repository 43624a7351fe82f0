package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/clairvoyant"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/report"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/trace"
)

// known is a comparison with numbers of this test's making: one hour, an objective of 30 s.
func known(t *testing.T) *comparison.Comparison {
	t.Helper()
	tr, err := trace.New([]float64{0, 7200}, []float64{100, 100})
	if err != nil {
		t.Fatal(err)
	}
	s := comparison.Setup{Trace: tr, From: time.Hour, Scenario: simulation.Default(), Attainment: 0.999}
	s.Scenario.Length = time.Hour
	run := func(k comparison.Kind, objective int, threshold int64, name string, late int64, hours float64, changes int64) comparison.Run {
		r := simulation.Result{
			Name: name, Records: 100_000, Late: []int64{late}, P50: 40 * time.Millisecond, P99: 2500 * time.Millisecond, Max: 75 * time.Second,
			ReplicaSeconds: 3600 * hours, Changes: changes, Rebalances: 2 * changes, Length: time.Hour,
		}
		for m := range 60 {
			r.Timeline = append(r.Timeline, simulation.Point{
				At: time.Duration(m) * time.Minute, Arrived: 6000, Late: []int64{late / 60}, Replicas: hours, Ready: hours,
			})
		}
		return comparison.Run{Kind: k, Objective: objective, Threshold: threshold, Result: r}
	}
	return &comparison.Comparison{
		Setup: s, Work: 1.5,
		Bounds: []clairvoyant.Plan{{ReplicaSeconds: 2 * 3600, Changes: 3}},
		Runs: []comparison.Run{
			run(comparison.KindLatency, 0, 0, "targetLatency 30s", 1, 2.2, 2),
			run(comparison.KindLag, -1, 10, "lagThreshold 10", 0, 8, 40),
			run(comparison.KindLag, -1, 200, "lagThreshold 200", 90, 4, 50),
			run(comparison.KindLag, -1, 900, "lagThreshold 900", 20_000, 3, 60),
			run(comparison.KindCPU, -1, 0, "HPA on CPU 70 %", 101, 3, 5),
		},
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := report.Table(&out, known(t), 0); err != nil {
		t.Fatal(err)
	}
	want := `1h of arrivals: 100 records a second on average, 100 in the highest minute; 48 partitions, 50 records a second and replica (exponential), ready after 20s to 40s, eager rebalances of 5s
Objective: 99.9 % of the records within 30s

POLICY                                 IN TIME             P50   P99   MAX    REPLICA-HOURS  OVER PLAN  CHANGES/DAY  REBALANCES/DAY
targetLatency 30s                      99.999 %            40ms  2.5s  1m15s  2.2            1.10       48           96
lagThreshold 200 (best of those tried)  99.910 %            40ms  2.5s  1m15s  4.0            2.00       1200         2400
HPA on CPU 70 %                        99.899 % (too few)  40ms  2.5s  1m15s  3.0            1.50       120          240
clairvoyant plan                       100 %                                 2.0            1.00       72           
work without waiting or moving                                               1.5            0.75                    

Which lagThreshold? 200: the cheapest of those tried (10, 200, 900) that keeps 99.9 % of the records within 30s: 99.910 % in time with 4.0 replica-hours and 2400 rebalances a day.
targetLatency: 30s keeps the objective: 99.999 % in time with 2.2 replica-hours, 1.10 times the clairvoyant plan.
`
	squeeze := func(s string) string {
		var lines []string
		for line := range strings.Lines(s) {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
		return strings.Join(lines, "\n")
	}
	if d := cmp.Diff(squeeze(want), squeeze(out.String())); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestAnswersWhereNothingIsEnough(t *testing.T) {
	c := known(t)
	for i := range c.Runs {
		c.Runs[i].Late[0] = 30_000 - int64(i)
	}
	c.Bounds[0].Excused = 1234
	want := []string{
		"Which lagThreshold? None of those tried (10, 200, 900) keeps 99.9 % of the records within 30s. Closest is 900: 70.003 % in time with 3.0 replica-hours and 2880 rebalances a day.",
		"targetLatency: 30s does not keep the objective: 70.000 % in time with 2.2 replica-hours, 1.10 times the clairvoyant plan.",
		"Nobody could keep every record within the objective: at least 1234 records come too late with 48 replicas.",
	}
	if d := cmp.Diff(want, report.Answers(c, 0)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	c.Runs = c.Runs[4:]
	if got := report.Answers(c, 0); len(got) != 1 {
		t.Errorf("answers about policies that did not run: %q", got)
	}
}

// Programs get every run, and the CSV says what the JSON says.
func TestValue(t *testing.T) {
	v := report.ValueOf(known(t), 0)
	if len(v.Policies) != 5 || v.Policies[3].LagThreshold != 900 || v.Policies[3].InTime != 0.8 || v.Policies[3].Attained {
		t.Errorf("got %+v", v.Policies)
	}
	var out bytes.Buffer
	if err := v.CSV(&out); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(lines) != 6 {
		t.Fatalf("%v, %d lines", err, len(lines))
	}
	for i, p := range v.Policies {
		line := lines[i+1]
		if line[1] != p.Name || line[3] != strconv.FormatFloat(p.InTime, 'g', -1, 64) || line[11] != strconv.FormatInt(p.Changes, 10) {
			t.Errorf("%q is not %+v", line, p)
		}
	}
}

// The picture is well-formed, has a curve for the arrivals and two for each of the policies shown, and none
// leaves it.
func TestSVG(t *testing.T) {
	c := known(t)
	c.Runs[0].Name = `<script>"&`
	var out bytes.Buffer
	if err := report.SVG(&out, c, 0); err != nil {
		t.Fatal(err)
	}
	curves := 0
	d := xml.NewDecoder(&out)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e, ok := token.(xml.StartElement)
		if ok && e.Name.Local == "script" {
			t.Error("a policy's name became an element")
		}
		if !ok || e.Name.Local != "polyline" {
			continue
		}
		curves++
		for _, a := range e.Attr {
			if a.Name.Local != "points" {
				continue
			}
			points := strings.Fields(a.Value)
			if len(points) != 60 {
				t.Errorf("a curve has %d points", len(points))
			}
			for _, p := range points {
				x, y, _ := strings.Cut(p, ",")
				px, errX := strconv.ParseFloat(x, 64)
				py, errY := strconv.ParseFloat(y, 64)
				if errX != nil || errY != nil || px < 0 || px > 1000 || py < 0 || py > 800 {
					t.Errorf("a point at %s", p)
				}
			}
		}
	}
	if curves != 1+2*3 {
		t.Errorf("%d curves", curves)
	}
}
