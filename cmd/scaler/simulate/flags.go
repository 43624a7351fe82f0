package simulate

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/trace"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

type flags struct {
	group, topic             string
	trace, svg, output       string
	since, warmup            time.Duration
	scale                    float64
	target                   time.Duration
	startup, pause           time.Duration
	service, rebalance       string
	lagThresholds            []int64
	policies                 []string
	seed                     uint64
	attainment, price, noise float64
	lagThreshold             int64
	skew                     float64
	scenario                 simulation.Scenario
}

func defaults() *flags {
	s := simulation.Default()
	return &flags{
		output: "table", since: s.Length, warmup: s.Warmup, scale: 1,
		target: 30 * time.Second, attainment: latency.DefaultAttainment, price: latency.DefaultChangePrice,
		startup: (s.StartupMin + s.StartupMax) / 2, service: string(s.Service), rebalance: string(s.Protocol),
		noise: comparison.DefaultNoise, seed: 1, scenario: s,
	}
}

var outputs = []string{"table", "json", "yaml", "csv"}

func (f *flags) add(flags *pflag.FlagSet) {
	s := &f.scenario
	flags.StringVar(&f.trace, "trace", "", "CSV `FILE` of arrivals: the line timestamp,rate and then seconds and records a second; - reads standard input")
	flags.StringVar(&f.topic, "topic", "", "only the arrivals of this `TOPIC` of GROUP")
	flags.DurationVar(&f.since, "since", f.since, "score the last `TIME` of the arrivals, or as much as there is after the warm-up")
	flags.DurationVar(&f.warmup, "warmup", f.warmup, "`TIME` before that in which nothing is scored; at most a sixth of what there is")
	flags.Float64Var(&f.scale, "scale", f.scale, "multiply all arrivals by this `FACTOR`")
	flags.Float64Var(&f.noise, "noise", f.noise, "relative noise of the rate from second to second, as its standard `DEVIATION`")
	flags.Float64Var(&f.skew, "skew", 0, "how unevenly partitions are filled: `EXPONENT` of Zipf's law; 0 is evenly")
	flags.Uint64Var(&f.seed, "seed", f.seed, "`NUMBER` that decides all that is random")

	flags.DurationVar(&f.target, "target-latency", f.target, "objective: records shall be processed within this `TIME`, from 5s to 1h")
	flags.Float64Var(&f.attainment, "target-attainment", f.attainment, "`SHARE` of the records that must meet it")
	flags.Float64Var(&f.price, "change-price", f.price, "`REPLICA-SECONDS` that a change of size is worth")
	flags.Int64Var(&f.lagThreshold, "lag-threshold", 0, "also show this `LAG` as lagThreshold: yours")
	flags.Int64SliceVar(&f.lagThresholds, "lag-thresholds", nil, "`LAGS` to find the best lagThreshold among; 10 and 1 to 100 s of a replica's work where none is given")
	flags.StringSliceVar(&f.policies, "policies", nil, "only these `POLICIES`: "+joined(comparison.Kinds()))

	flags.IntVar(&s.Partitions, "partitions", s.Partitions, "`NUMBER` of partitions, with --trace")
	flags.Float64Var(&s.ServiceRate, "service-rate", s.ServiceRate, "`RECORDS` a second that one replica processes")
	flags.StringVar(&f.service, "service-time", f.service, "`DISTRIBUTION` of the time that a record takes: "+joined(simulation.Services()))
	flags.Float64Var(&s.PodSpread, "pod-spread", s.PodSpread, "how much replicas differ in speed, as a `SHARE` up and down")
	flags.DurationVar(&s.CommitInterval, "commit-interval", s.CommitInterval, "`TIME` between two commits of a consumer")
	flags.Float64Var(&s.Downstream, "downstream-limit", 0, "`RECORDS` a second that all replicas together can process; 0 is no limit")

	flags.DurationVar(&f.startup, "startup-delay", f.startup, "mean `TIME` from the creation of a pod to its joining the group; two to four thirds of it")
	flags.Float64Var(&s.NodeShare, "node-share", 0, "`SHARE` of new pods that wait 2 to 5 minutes for a node besides")
	flags.StringVar(&f.rebalance, "rebalance", f.rebalance, "`PROTOCOL` of rebalances: "+joined(simulation.Protocols()))
	flags.DurationVar(&f.pause, "rebalance-pause", 0, "`TIME` for which a rebalance stops what it stops; where it is 0, 5s eager, 3s cooperative and 1s kip848")
	flags.Float64Var(&s.CrashesPerDay, "crashes", 0, "`NUMBER` of crashes of a pod a day")
	flags.Float64Var(&s.UngracefulShare, "ungraceful-share", 0, "`SHARE` of deleted pods that do not leave the group")
	flags.DurationVar(&s.SessionTimeout, "session-timeout", s.SessionTimeout, "`TIME` until the group notices who did not leave")
	flags.Int64Var(&s.MinReplicas, "min-replicas", s.MinReplicas, "least `NUMBER` of replicas")
	flags.Int64Var(&s.MaxReplicas, "max-replicas", 0, "greatest `NUMBER` of replicas; that of the partitions where it is 0")

	flags.StringVarP(&f.output, "output", "o", f.output, "`FORMAT` of the output: "+strings.Join(outputs, ", "))
	flags.StringVar(&f.svg, "svg", "", "also draw arrivals, replicas and late records over time into this `FILE`")
}

func joined[T ~string](values []T) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}

// check finds what is wrong with the command line alone.
func (f *flags) check(args []string, given func(flag string) bool) error {
	if len(args) > 0 {
		f.group = args[0]
	}
	if err := f.checkSource(given); err != nil {
		return err
	}
	switch {
	case !slices.Contains(outputs, f.output):
		return wrong(fmt.Sprintf("--output needs one of %s (got %q)", strings.Join(outputs, ", "), f.output))
	case !(f.scale > 0) || math.IsInf(f.scale, 0):
		return wrong(fmt.Sprintf("--scale needs to be more than 0 (got %g)", f.scale))
	case f.startup < 0 || f.startup > time.Hour:
		return wrong(fmt.Sprintf("--startup-delay needs to be from 0 to 1h (got %s)", f.startup))
	case f.since < time.Minute || f.since > longest:
		return wrong(fmt.Sprintf("--since needs to be from 1m to %s (got %s)", comparison.Short(longest), f.since))
	}
	setup := f.settings()
	if err := setup.ValidateSettings(); err != nil {
		return wrong(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// checkSource finds out whose arrivals are meant, the group's or the trace's.
func (f *flags) checkSource(given func(flag string) bool) error {
	switch {
	case f.group == "" && f.trace == "":
		return wrong("name a GROUP, or with --trace a CSV file with arrivals")
	case f.group != "" && f.trace != "":
		return wrong(fmt.Sprintf("the arrivals of group %q, or those of --trace? name one of them", f.group))
	case f.group != "" && given("partitions"):
		return wrong("--partitions belongs to --trace: a group's partitions are those of its topics")
	case f.group != "" && f.since+f.warmup > longestRead:
		return wrong(fmt.Sprintf("--since and --warmup need to be at most %s together where logs are read (got %s)", longestRead, f.since+f.warmup))
	case f.group == "" && f.topic != "":
		return wrong("--topic belongs to GROUP: a trace has no topics")
	}
	return nil
}

// longest is the most that is scored: a month.
const longest = 31 * 24 * time.Hour

// longestRead is the most that is read minute by minute from logs: [arrivals.MostTimes] less a week in quarters
// of an hour.
const longestRead = 72 * time.Hour

func wrong(problem string) error {
	return &fault.Error{Kind: fault.Invalid, Op: "simulate", Err: fmt.Errorf("%s", problem)}
}

// settings is the setup without the trace and what depends on it.
func (f *flags) settings() comparison.Setup {
	s := f.scenario
	s.Seed, s.Length, s.Warmup = f.seed, f.since, f.warmup
	s.Service, s.Protocol = simulation.Service(f.service), simulation.Protocol(f.rebalance)
	s.Pause = f.pause
	if s.Pause == 0 {
		s.Pause = s.Protocol.Pause()
	}
	s.StartupMin, s.StartupMax = f.startup*2/3, f.startup*4/3
	s.Objectives = []time.Duration{f.target}
	setup := comparison.Setup{
		Scenario: s, Skew: f.skew, Noise: f.noise, NoiseTime: comparison.DefaultNoiseTime, ArrivalSeed: f.seed,
		Attainment: f.attainment, ChangePrice: f.price, OwnThreshold: f.lagThreshold, LagThresholds: f.lagThresholds,
	}
	if len(f.lagThresholds) == 0 {
		setup.LagThresholds = comparison.DefaultThresholds(s.ServiceRate)
	}
	for _, p := range f.policies {
		setup.Kinds = append(setup.Kinds, comparison.Kind(p))
	}
	return setup
}

// setup fits the settings to the trace. The run begins with as many replicas as the work takes on average.
func (f *flags) setup(l load) comparison.Setup {
	s, t := f.settings(), l.trace
	s.Trace, s.Scenario.Partitions, s.Weights = t.Scaled(f.scale), l.partitions, l.weights
	s.Scenario.Warmup, s.Scenario.Length = comparison.Fit(t.Length(), f.warmup, f.since)
	s.From = (t.Length() - s.Scenario.Length).Truncate(time.Second)
	mean := s.Trace.Mean(s.From, s.From+s.Scenario.Length)
	start := int64(math.Ceil(min(mean/s.Scenario.ServiceRate, float64(s.Scenario.Ceiling()))))
	s.Scenario.StartReplicas = max(s.Scenario.MinReplicas, 1, start)
	return s
}

// load is what arrives, and where.
type load struct {
	trace      *trace.Trace
	partitions int
	// weights are what each partition got; nil where that is not known.
	weights []float64
}

func (f *flags) readTrace(stdin io.Reader) (*trace.Trace, error) {
	in := stdin
	if f.trace != "-" {
		file, err := os.Open(f.trace)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Invalid, Op: "read the trace", Err: err, Remedy: "give --trace a file that can be read"}
		}
		defer file.Close()
		in = file
	}
	t, err := trace.Read(in)
	if err != nil {
		return nil, &fault.Error{
			Kind: fault.Invalid, Op: "read", Object: f.object(), Err: err,
			Remedy: "a trace is the line timestamp,rate and then one sample a line: seconds, and records a second",
		}
	}
	return t, nil
}

func (f *flags) object() string {
	switch f.trace {
	case "":
		return fmt.Sprintf("group %q", f.group)
	case "-":
		return "the trace on standard input"
	}
	return fmt.Sprintf("trace %q", f.trace)
}
