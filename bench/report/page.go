package report

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/bench/measure"
)

// Heading begins the section of docs/performance.md that this benchmark writes.
const Heading = "## Ten thousand ScaledObjects"

// Page writes the section. Picture is the path of the picture as seen from the page.
func (r *Result) Page(w io.Writer, picture string) {
	fmt.Fprintf(w, "%s\n\n```sh\nmake bench\n```\n\n", Heading)
	fmt.Fprintf(w, "Measured %s in %.0f minutes on %d cores of %s, %s, commit %s. The device under test is `kafka-scaler serve` as one\n"+
		"process with `GOMAXPROCS=%d` and `GOMEMLIMIT=%dMiB`, as `deploy/scaler.yaml` has them. While KEDA asks, it and the echo\n"+
		"server have one core for themselves, as a container with an exclusive core has, and take turns; the brokers and the\n"+
		"load, which is preferred to them, have the rest. In the phase \"sharing\", and in whatever else is measured, all run on\n"+
		"all cores. The load average stands beside each figure: much above the number of cores, times and CPU say little;\n"+
		"requests, connections and memory still hold.\n\n",
		r.At.Format("January 2006"), r.Took.Minutes(), r.Machine.Cores, r.Machine.CPU, r.Machine.Go, r.Machine.Commit,
		r.Machine.Limits.GOMAXPROCS, r.Machine.Limits.MemoryLimit/mebi)
	if r.Big != nil {
		r.big(w)
	}
	r.rivals(w)
	fmt.Fprintf(w, "![Cost of one round of fresh numbers against triggers, partitions and brokers](%s)\n\n", picture)
	r.badDays(w)
	for _, note := range r.Notes {
		fmt.Fprintf(w, "Not in these figures: %s.\n", note)
	}
}

func (r *Result) big(w io.Writer) {
	b := r.Big
	fmt.Fprintf(w, "%d ScaledObjects over %d groups on %d topics with %d partitions each, %s with %d brokers; asked as KEDA asks (pollingInterval 30 s,\n"+
		"every second one with an HPA, 15 s: %.0f calls a second), half of them `external-push` (%d streams open), while topics get\n"+
		"records and groups commit.\n\n", b.Triggers, b.Size.Groups, b.Size.Topics, b.Size.Partitions, b.Cluster, b.Size.Brokers, b.EverySecond.Scaler.CallsPerSecond, b.EverySecond.Streams)
	fmt.Fprintln(w, "| at this size | goal | measured | met |\n|---|---|---|---|")
	for _, g := range r.Goals() {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", g.What, g.Want, g.Measured, yes(g.Met))
	}
	fmt.Fprintln(w, "\n| phase | load average | CPU of one core | ready, without a core | CPU / refresh | refreshes, each | stretched, late | requests / refresh | connections | RSS, peak | heap, stacks |\n|---|---|---|---|---|---|---|---|---|---|---|")
	for _, phase := range append([]phase{{"nobody asks, 1 s", Asked{Cost: b.Quiet}}}, b.phases()...) {
		c := phase.Cost
		fmt.Fprintf(w, "| %s | %.1f | %.1f %% | %.1f %% | %.0f ms | %.0f, %.0f ms | %.0f, %.0f | %.1f (%s) | %d | %d, %d MiB | %.0f, %.0f MiB |\n", phase.name, c.LoadAverage, 100*c.Share(), 100*c.Waited.Seconds()/max(1e-9, c.Span.Seconds()),
			ms(c.CPUPerRefresh()), c.Refreshes, ms(c.RefreshWall), c.Stretched, c.Late, c.RequestsPerRefresh(), perRefresh(c), c.Connections, c.RSS/mebi, c.PeakRSS/mebi, c.Heap/mebi, c.Stacks/mebi)
	}
	b.latencies(w)
	fmt.Fprintf(w, "All %d triggers new within a second (load average %.1f): the last had its value after %.1f s; %.0f direct reads with %s; p99 of the first\n"+
		"GetMetrics %.0f ms; %s errors, %d asked again.\n\n", b.Triggers, b.Fill.LoadAverage, b.Fill.Took.Seconds(), b.Fill.DirectReads, requests(b.Fill.Requests), b.Fill.P99MS, counts(b.Fill.Errors), b.Fill.Retries)
}

// phase is one in which KEDA asks.
type phase struct {
	name string
	Asked
}

func (b *Big) phases() []phase {
	return []phase{{"asked, 1 s", b.EverySecond}, {"asked, default interval", b.Default}, {"asked, 1 s, sharing", b.Shared}}
}

func (b *Big) latencies(w io.Writer) {
	fmt.Fprintln(w, "\n| phase | call | scaler p50 / p90 / p99 / p99.9, ms | echo server, ms |\n|---|---|---|---|")
	for _, phase := range b.phases() {
		for _, method := range slices.Sorted(maps.Keys(phase.Scaler.ByMethod)) {
			fmt.Fprintf(w, "| %s | %s | %s | %s |\n", phase.name, method, phase.Scaler.ByMethod[method], phase.Echo.ByMethod[method])
		}
		fmt.Fprintf(w, "| %s | GetMetrics and IsActive | %s | %s |\n", phase.name, phase.Scaler.Values, phase.Echo.Values)
	}
	fmt.Fprintln(w, "\n| phase | errors of the scaler, of the echo server | echo server: CPU of one core | ready, without a core |\n|---|---|---|---|")
	for _, phase := range b.phases() {
		fmt.Fprintf(w, "| %s | %s, %s | %.1f %% | %.1f %% |\n", phase.name, counts(phase.Scaler.Errors), counts(phase.Echo.Errors), 100*phase.EchoShare, 100*phase.EchoWaited)
	}
	fmt.Fprintln(w)
}

func (r *Result) rivals(w io.Writer) {
	fmt.Fprintln(w, "One round of fresh numbers for all triggers, by this scaler (a refresh, gRPC not in it) and by KEDA's own scalers called as the\n"+
		"operator calls them, eight at a time. \"Stopped\" is how far a rival came.\n\n"+
		"| growth in | size | contender | triggers | CPU | wall | requests | connections | RSS | load average | stopped |\n|---|---|---|---|---|---|---|---|---|---|---|")
	for _, p := range r.Points {
		count := "not counted"
		if p.Requests >= 0 {
			count = fmt.Sprintf("%.1f", p.Requests)
		}
		fmt.Fprintf(w, "| %s (%s) | %d | %s | %d | %.0f ms | %.0f ms | %s | %d | %d MiB | %.1f | %s |\n", p.Axis, p.Cluster, p.X, p.Who, p.Triggers,
			p.CPUMS, p.WallMS, count, p.Connections, p.RSS/mebi, p.LoadAverage, cell(p.Stopped))
	}
	fmt.Fprintln(w)
}

func (r *Result) badDays(w io.Writer) {
	if len(r.BadDays) == 0 {
		return
	}
	fmt.Fprintln(w, "| bad day | wanted | seen | held |\n|---|---|---|---|")
	for _, d := range r.BadDays {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", d.What, d.Want, cell(d.Seen), yes(d.OK))
	}
	fmt.Fprintln(w)
}

// String shows the quantiles in one cell.
func (q Quantiles) String() string {
	return fmt.Sprintf("%.2f / %.2f / %.2f / %.2f", q.P50, q.P90, q.P99, q.P999)
}

func perRefresh(c measure.Cost) string {
	each := map[string]float64{}
	for api, n := range c.Requests {
		each[api] = math.Round(10*n/max(1, c.Refreshes)) / 10
	}
	return requests(each)
}

func requests(by map[string]float64) string {
	var parts []string
	for _, api := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%g %s", by[api], api))
	}
	return strings.Join(parts, ", ")
}

func counts(by map[string]int) string {
	if len(by) == 0 {
		return "0"
	}
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%d %s", by[code], code))
	}
	return strings.Join(parts, ", ")
}

func cell(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	if len(line) > 160 {
		line = line[:160] + "..."
	}
	return strings.ReplaceAll(line, "|", "\\|")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "**no**"
}
