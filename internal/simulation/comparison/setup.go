package comparison

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/trace"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// Setup is what is compared: arrivals, a group, and what is asked of it.
type Setup struct {
	Trace *trace.Trace
	// From is where in the trace the scored part begins. The scenario's warm-up is before it, and what is
	// before that is the past, which targetLatency reads from the log.
	From     time.Duration
	Scenario simulation.Scenario
	// Skew, Weights, Noise and NoiseTime are those of [simulation.Load]; ArrivalSeed is its seed.
	Skew, Noise float64
	Weights     []float64
	NoiseTime   time.Duration
	ArrivalSeed uint64
	// Attainment is the share of the records that must be in time; above 0.5 and below 1.
	Attainment float64
	// ChangePrice is what a change of size is worth in replica-seconds, to targetLatency and to the bound; 0
	// or more.
	ChangePrice float64
	// LagThresholds are tried to find the best in hindsight; OwnThreshold, where > 0, is the one that the
	// user has.
	LagThresholds []int64
	OwnThreshold  int64
	// Kinds are the policies to run; all where it is empty.
	Kinds []Kind
}

// Noise of a setup where nothing else is said.
const (
	DefaultNoise     = 0.05
	DefaultNoiseTime = 20 * time.Second
)

// MostThresholds is how many values of lagThreshold are tried at most.
const MostThresholds = 100

// DefaultThresholds are thresholds from a tenth of a second's work of a replica to some minutes', and KEDA's own
// default of 10.
func DefaultThresholds(serviceRate float64) []int64 {
	thresholds := []int64{10}
	for _, seconds := range []float64{1, 3, 6, 12, 25, 50, 100} {
		if t := int64(math.Round(serviceRate * seconds)); t > thresholds[len(thresholds)-1] {
			thresholds = append(thresholds, t)
		}
	}
	return thresholds
}

// Fit returns how much of a trace is warm-up and how much is scored, given what is wanted of both. Of a short
// trace a sixth is warm-up, and all the rest is scored.
func Fit(whole, warmup, length time.Duration) (warm, scored time.Duration) {
	warm = min(warmup.Truncate(time.Minute), (whole / 6).Truncate(time.Minute))
	return warm, min(length, (whole - warm).Truncate(time.Minute))
}

// Validate returns what is wrong with the setup; nil if nothing is.
func (s *Setup) Validate() error {
	if s.From < s.Scenario.Warmup || s.From+s.Scenario.Length > s.Trace.Length() {
		return errors.Join(s.ValidateSettings(), fmt.Errorf("the trace is %s long: %s of warm-up and %s to score do not fit before %s",
			s.Trace.Length(), s.Scenario.Warmup, s.Scenario.Length, s.From+s.Scenario.Length))
	}
	return s.ValidateSettings()
}

// ValidateSettings is [Setup.Validate] without the trace.
func (s *Setup) ValidateSettings() error {
	return errors.Join(s.Scenario.Validate(), s.validateArrivals(), s.validateAims(), s.validatePolicies())
}

func (s *Setup) validateArrivals() error {
	var errs []error
	if !(s.Noise >= 0 && s.Noise <= 1) || s.NoiseTime < 0 {
		errs = append(errs, fmt.Errorf("the noise must be 0 to 1 (got %g)", s.Noise))
	}
	if !(s.Skew >= 0 && s.Skew <= simulation.MostSkew) {
		errs = append(errs, fmt.Errorf("the skew must be 0 to %d (got %g)", simulation.MostSkew, s.Skew))
	}
	return errors.Join(errs...)
}

func (s *Setup) validateAims() error {
	var errs []error
	if !(s.Attainment > 0.5 && s.Attainment < 1) {
		errs = append(errs, fmt.Errorf("the attainment must be above 0.5 and below 1 (got %g)", s.Attainment))
	}
	if !(s.ChangePrice >= 0) || math.IsInf(s.ChangePrice, 0) {
		errs = append(errs, fmt.Errorf("the price of a change must be 0 or more (got %g)", s.ChangePrice))
	}
	if len(s.Scenario.Objectives) == 0 {
		errs = append(errs, errors.New("there must be an objective"))
	}
	for _, o := range s.Scenario.Objectives {
		if o < latency.LowestTarget || o > latency.HighestTarget {
			errs = append(errs, fmt.Errorf("the objective must be from %s to %s (got %s)",
				Short(latency.LowestTarget), Short(latency.HighestTarget), o))
		}
	}
	return errors.Join(errs...)
}

func (s *Setup) validatePolicies() error {
	var errs []error
	for _, k := range s.Kinds {
		if !slices.Contains(Kinds(), k) {
			errs = append(errs, fmt.Errorf("there is no policy %q", k))
		}
	}
	if s.OwnThreshold < 0 {
		errs = append(errs, fmt.Errorf("the lagThreshold must be 1 or more (got %d)", s.OwnThreshold))
	}
	if len(s.LagThresholds) > MostThresholds {
		errs = append(errs, fmt.Errorf("at most %d thresholds are tried (got %d)", MostThresholds, len(s.LagThresholds)))
	}
	for _, t := range s.LagThresholds {
		if t < 1 {
			errs = append(errs, fmt.Errorf("a lagThreshold must be 1 or more (got %d)", t))
		}
	}
	return errors.Join(errs...)
}

// begin is where in the trace the run begins.
func (s *Setup) begin() time.Duration { return s.From - s.Scenario.Warmup }

func (s *Setup) workload() (*simulation.Workload, error) {
	return simulation.NewWorkload(simulation.Load{
		Rate:       func(at time.Duration) float64 { return s.Trace.Rate(s.begin() + at) },
		Partitions: s.Scenario.Partitions, Skew: s.Skew, Weights: s.Weights,
		Noise: s.Noise, NoiseTime: s.NoiseTime, Seed: s.ArrivalSeed,
	}, s.Scenario.Steps())
}

// past is what the scaler can read of the time before the run from the log: finer steps for what is nearer.
func (s *Setup) past() []latency.Arrivals {
	var past []latency.Arrivals
	end := time.Duration(0)
	for _, part := range []struct{ back, step time.Duration }{
		{time.Hour, 15 * time.Second},
		{6 * time.Hour, time.Minute},
		{24 * time.Hour, 5 * time.Minute},
		{7 * 24 * time.Hour, 15 * time.Minute},
	} {
		for -end < part.back && s.begin()+end-part.step >= 0 {
			start := end - part.step
			rate := s.Trace.Rate(s.begin() + start + part.step/2)
			past = append(past, latency.Arrivals{
				Start: simulation.Epoch().Add(start), End: simulation.Epoch().Add(end),
				Records: int64(math.Round(rate * part.step.Seconds())),
			})
			end = start
		}
	}
	return past
}
