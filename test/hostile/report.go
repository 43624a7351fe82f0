package hostile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/kafka-scaler/kafka-scaler/internal/deployed"
	"github.com/kafka-scaler/kafka-scaler/internal/hostilebroker"
)

// Report is what was done and seen.
type Report struct {
	Seed      uint64          `json:"seed"`
	Duration  time.Duration   `json:"duration"`
	Calm      time.Duration   `json:"calm"`
	Authentic bool            `json:"realKafka"`
	IdleAfter string          `json:"idleAfter"`
	Timed     bool            `json:"timed"`
	Limits    deployed.Limits `json:"limits"`
	// Enforced is set where the kernel kills beyond the limit of memory.
	Enforced bool `json:"enforced"`

	// Died is how the scaler ended before its time; empty where it did not.
	Died string `json:"died,omitempty"`
	// Lies are answers to honest triggers, or about hostile brokers, that are not true.
	Lies texts `json:"lies"`
	// Silences are streams that did not say in time what they had to.
	Silences texts `json:"silences"`
	// Unprintable are errors whose texts would do something to a terminal.
	Unprintable texts `json:"unprintable"`
	// Trapped is how many connections came to an address that no trigger may bring.
	Trapped int64 `json:"trapped"`
	// Troubles are those of the test itself.
	Troubles texts `json:"troubles"`

	Before State `json:"before"`
	// Most is the most that was seen of each while under attack.
	Most State `json:"most"`
	// After is what was left when CalmTook was over.
	After    State         `json:"after"`
	CalmTook time.Duration `json:"calmTook"`

	// Latencies are those of calls that were answered, by who asked and for what.
	Latencies map[string]map[string]Latency `json:"latencies"`
	// Calls counts calls by who made them and the gRPC code that came back.
	Calls map[string]map[string]int `json:"calls"`
	// Errors are some of the texts.
	Errors map[string][]string `json:"errors"`
	// Brokers counts what the hostile brokers did.
	Brokers map[string]hostilebroker.Stats `json:"brokers"`
}

func newReport(o Options, limits deployed.Limits, enforced bool) *Report {
	return &Report{Seed: o.Seed, Duration: o.Duration, Calm: o.Calm, Authentic: o.Authentic, Timed: o.Timed, IdleAfter: o.IdleAfter, Limits: limits, Enforced: enforced}
}

func (r *Report) died(v *victim) {
	if r.Died == "" {
		r.Died = v.process.Failure("under attack").Error()
	}
}

func (r *Report) during(s State) {
	m := &r.Most
	*m = State{
		RSS: max(m.RSS, s.RSS), PeakRSS: max(m.PeakRSS, s.PeakRSS), Heap: max(m.Heap, s.Heap), Goroutines: max(m.Goroutines, s.Goroutines),
		Descriptors: max(m.Descriptors, s.Descriptors), Accepted: max(m.Accepted, s.Accepted), Dialed: max(m.Dialed, s.Dialed),
		Series: max(m.Series, s.Series), Queries: max(m.Queries, s.Queries), PageBytes: max(m.PageBytes, s.PageBytes), LogBytes: max(m.LogBytes, s.LogBytes),
		CPUSeconds: max(m.CPUSeconds, s.CPUSeconds), Panics: max(m.Panics, s.Panics),
		Waited: max(m.Waited, s.Waited), HandledP99: max(m.HandledP99, s.HandledP99),
	}
}

// finish takes in what was noted.
func (r *Report) finish(n *notes, seen result) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r.Lies, r.Silences, r.Troubles, r.Unprintable = n.lies, n.silences, n.troubles, n.raw
	r.Trapped, r.Brokers = seen.Trapped, seen.Brokers
	r.Calls, r.Errors = cloned(n.codes), maps.Clone(n.texts)
	r.Latencies = map[string]map[string]Latency{}
	for who, byMethod := range n.latencies {
		r.Latencies[who] = map[string]Latency{}
		for method, all := range byMethod {
			r.Latencies[who][method] = latencyOf(all)
		}
	}
}

// rememberedFor is how long the scaler remembers metadata that is no trigger, longer than
// anything else, and a sweep more (pkg/scaledobject, invalidIdleAfter).
const rememberedFor = 18 * time.Minute

// leftovers is what is not back where it was before the attack. A little more is
// allowed of everything: a pool that has grown, a label that came once.
func (r *Report) leftovers() []string {
	var left []string
	check := func(what string, after, before, slack int) {
		if after > before+slack {
			left = append(left, fmt.Sprintf("%s: %d after the attack, %d before", what, after, before))
		}
	}
	check("goroutines", r.After.Goroutines, r.Before.Goroutines, 30)
	check("descriptors", r.After.Descriptors-r.After.Dialed, r.Before.Descriptors-r.Before.Dialed, 20)
	check("accepted connections", r.After.Accepted, r.Before.Accepted, 2)
	// Groups of newcomers are asked about once, and count until they are forgotten.
	if idle, err := time.ParseDuration(r.IdleAfter); err == nil && r.Calm > idle {
		check("queries", r.After.Queries, r.Before.Queries, 20+int(2*idle/newcomeEvery))
	}
	// A shorter calm sees what is kept for a while on purpose: idle connections, triggers that nobody asks about.
	if r.Calm >= rememberedFor {
		check("dialed connections", r.After.Dialed, r.Before.Dialed, 10)
		check("metric series", r.After.Series, r.Before.Series, r.Before.Series/2+500)
		check("MiB of heap", int(r.After.Heap>>20), int(r.Before.Heap>>20), 20)
	}
	return left
}

// mostP99 is by when 99 of 100 calls about honest triggers have to be answered.
const mostP99 = 100 * time.Millisecond

// Failures is everything that must not be, whatever the machine; what is late is one only in a run that is timed.
func (r *Report) Failures() []string {
	var all []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	add(r.Died != "", "the scaler died: %s", r.Died)
	add(r.Lies.Count > 0, "%d answers are not true: %s", r.Lies.Count, strings.Join(r.Lies.Samples, "\n    "))
	add(r.Timed && r.Silences.Count > 0, "%d streams were silent: %s", r.Silences.Count, strings.Join(r.Silences.Samples, "\n    "))
	add(r.Unprintable.Count > 0, "%d errors hold more than text: %s", r.Unprintable.Count, strings.Join(r.Unprintable.Samples, "\n    "))
	add(r.Trapped > 0, "%d connections came to an address that no trigger may bring", r.Trapped)
	add(r.Most.Panics > 0 || r.After.Panics > 0, "%d panics", max(r.Most.Panics, r.After.Panics))
	add(max(r.Most.PeakRSS, r.After.PeakRSS) > r.Limits.Memory, "%d MiB of memory, the limit is %d", max(r.Most.PeakRSS, r.After.PeakRSS)>>20, r.Limits.Memory>>20)
	for _, who := range []string{"honest", "honest stream"} {
		failed := 0
		for code, n := range r.Calls[who] {
			// What came too late, or rests on answers of Kafka that did.
			late := code == codes.DeadlineExceeded.String() || code == codes.Unavailable.String()
			if code != codes.OK.String() && (r.Timed || !late) {
				failed += n
			}
		}
		add(failed > 0, "%d calls of %s triggers failed: %v", failed, who, r.texts(who))
	}
	for method, l := range r.Latencies["honest"] {
		add(r.Timed && l.P99 > mostP99, "%s of honest triggers: p99 %s, and it may be %s", method, l.P99, mostP99)
	}
	add(r.Calls["honest"]["OK"] == 0, "no honest trigger was answered: this run checks nothing")
	if r.Died == "" {
		all = append(all, r.leftovers()...)
	}
	return all
}

func (r *Report) texts(who string) []string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(r.Errors)) {
		if rest, found := strings.CutPrefix(key, who+" "); found && !strings.Contains(rest, " ") {
			all = append(all, r.Errors[key]...)
		}
	}
	return all
}

func (l Latency) String() string {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }
	return fmt.Sprintf("%d calls, p50 %s ms, p99 %s ms, p99.9 %s ms, max %s ms", l.Calls, ms(l.P50), ms(l.P99), ms(l.P999), ms(l.Max))
}

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	kafka := "a fake Kafka"
	if r.Authentic {
		kafka = "a real Kafka"
	}
	line("hostile side for %s, seed %d, %s, GOMAXPROCS=%d GOMEMLIMIT=%d MiB, limit %d MiB (enforced by the kernel: %t)",
		r.Duration, r.Seed, kafka, r.Limits.GOMAXPROCS, r.Limits.MemoryLimit>>20, r.Limits.Memory>>20, r.Enforced)
	line("before:       %s", r.Before)
	line("at most:      %s", r.Most)
	line("after %5s:  %s", r.CalmTook.Round(time.Second), r.After)
	line("lies %d, silences %d, unprintable errors %d, trapped %d, panics %d, troubles of the test %d",
		r.Lies.Count, r.Silences.Count, r.Unprintable.Count, r.Trapped, r.After.Panics, r.Troubles.Count)
	line("\nhow long answers took:")
	for _, who := range slices.Sorted(maps.Keys(r.Latencies)) {
		for _, method := range slices.Sorted(maps.Keys(r.Latencies[who])) {
			line("  %-15s %-15s %s", who, method, r.Latencies[who][method])
		}
	}
	line("\ncalls by who made them:")
	for _, who := range slices.Sorted(maps.Keys(r.Calls)) {
		var parts []string
		for _, code := range slices.Sorted(maps.Keys(r.Calls[who])) {
			parts = append(parts, fmt.Sprintf("%s %d", code, r.Calls[who][code]))
		}
		line("  %-40s %s", who, strings.Join(parts, ", "))
	}
	line("\nhostile brokers:")
	for _, kind := range slices.Sorted(maps.Keys(r.Brokers)) {
		s := r.Brokers[kind]
		line("  %-45s %7d connections, %8d requests, %6d KB sent", kind, s.Accepted, s.Requests, s.Sent>>10)
	}
	return b.String()
}
