package simulation

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Protocol is how a consumer group rebalances.
type Protocol string

// The protocols.
const (
	// Eager stops every member until all have joined again.
	Eager Protocol = "eager"
	// Cooperative (KIP-429) stops the partitions that move, one rebalance after the other.
	Cooperative Protocol = "cooperative"
	// KIP848 stops the partitions that move, each by itself.
	KIP848 Protocol = "kip848"
)

// Protocols are all protocols.
func Protocols() []Protocol { return []Protocol{Eager, Cooperative, KIP848} }

// Pause is how long a rebalance of the protocol stops partitions where nothing else is said.
func (p Protocol) Pause() time.Duration {
	switch p {
	case Cooperative:
		return 3 * time.Second
	case KIP848:
		return time.Second
	default:
		return 5 * time.Second
	}
}

// Scenario is everything about a run but the arrivals and the policy. [Default] has the values that hold where
// nothing else is said.
type Scenario struct {
	// Partitions of the one topic; 1 to [MostPartitions].
	Partitions int
	// ServiceRate is how many records a second a pod of mean speed takes; > 0.
	ServiceRate float64
	// Service is the distribution of the time that a record takes.
	Service Service
	// PodSpread is how much pods differ: speeds are uniform from 1-PodSpread to 1+PodSpread; 0 to 0.9.
	PodSpread float64
	// PollRecords is max.poll.records: how many records a member takes from a partition before it turns to
	// the next; > 0.
	PollRecords int
	// CommitInterval is auto.commit.interval.ms; at least a second.
	CommitInterval time.Duration

	// StartupMin and StartupMax bound the time from the creation of a pod to its joining the group; it is
	// uniform between them.
	StartupMin, StartupMax time.Duration
	// NodeShare is the share of pods that wait for a new node first, for NodeMin to NodeMax.
	NodeShare        float64
	NodeMin, NodeMax time.Duration

	// Protocol is how the group rebalances, Pause how long a rebalance stops what it stops.
	Protocol Protocol
	Pause    time.Duration
	// CrashesPerDay is how often a pod dies without a word and starts again, on average.
	CrashesPerDay float64
	// UngracefulShare is the share of pods taken away that do not leave the group either.
	UngracefulShare float64
	// SessionTimeout is after how long the group notices a member that did not leave.
	SessionTimeout time.Duration

	// Downstream, where > 0, is how many records a second all members together can take, because what they
	// call or write to allows no more.
	Downstream float64

	// MinReplicas and MaxReplicas bound the HPA. MaxReplicas is Partitions where it is 0.
	MinReplicas, MaxReplicas int64
	// StartReplicas run, and are ready, when the run begins; at least 1.
	StartReplicas int64

	// Warmup passes before anything is scored. Length follows, and is scored.
	Warmup, Length time.Duration
	// Objectives are the latencies whose share in time is counted; at most 8, ascending.
	Objectives []time.Duration
	// Seed decides everything that is random but the arrivals, which have a seed of their own.
	Seed uint64
}

// Bounds of a scenario.
const (
	// MostPartitions is the most partitions that a scenario may have.
	MostPartitions = 10_000
	// MostObjectives is the most objectives that one run counts.
	MostObjectives = 8
)

// Default is a group of the usual settings: 48 partitions, 50 records a second and replica, pods that are
// ready after 20 to 40 s, Kafka's own intervals, and eager rebalances.
func Default() Scenario {
	return Scenario{
		Partitions:     48,
		ServiceRate:    50,
		Service:        Exponential,
		PodSpread:      0.05,
		PollRecords:    500,
		CommitInterval: 5 * time.Second,
		StartupMin:     20 * time.Second,
		StartupMax:     40 * time.Second,
		NodeMin:        2 * time.Minute,
		NodeMax:        5 * time.Minute,
		Protocol:       Eager,
		Pause:          Eager.Pause(),
		SessionTimeout: 45 * time.Second,
		MinReplicas:    1,
		StartReplicas:  1,
		Warmup:         time.Hour,
		Length:         24 * time.Hour,
		Objectives:     []time.Duration{30 * time.Second},
	}
}

// Steps is how many seconds a run of the scenario takes, the warm-up among them.
func (s *Scenario) Steps() int { return int((s.Warmup + s.Length) / time.Second) }

// Ceiling is the HPA's maximum.
func (s *Scenario) Ceiling() int64 {
	if s.MaxReplicas > 0 {
		return s.MaxReplicas
	}
	return int64(s.Partitions)
}

// Validate returns what is wrong with the scenario; nil if nothing is.
func (s *Scenario) Validate() error {
	return errors.Join(s.validateGroup(), s.validatePods(), s.validateTimes())
}

func (s *Scenario) validateGroup() error {
	errs := []error{s.Service.validate()}
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(s.Partitions >= 1 && s.Partitions <= MostPartitions, "partitions must be 1 to %d (got %d)", MostPartitions, s.Partitions)
	check(s.ServiceRate > 0 && !math.IsInf(s.ServiceRate, 0), "the service rate must be more than 0 (got %g)", s.ServiceRate)
	check(s.PollRecords > 0, "records a poll must be more than 0 (got %d)", s.PollRecords)
	check(s.Downstream >= 0, "the downstream limit must not be negative (got %g)", s.Downstream)
	check(s.CommitInterval >= time.Second, "the commit interval must be at least 1s (got %s)", s.CommitInterval)
	check(s.Pause >= 0, "the pause of a rebalance must not be negative (got %s)", s.Pause)
	check(s.SessionTimeout >= time.Second, "the session timeout must be at least 1s (got %s)", s.SessionTimeout)
	switch s.Protocol {
	case Eager, Cooperative, KIP848:
	default:
		check(false, "there is no rebalance protocol %q", s.Protocol)
	}
	return errors.Join(errs...)
}

func (s *Scenario) validatePods() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(s.PodSpread >= 0 && s.PodSpread <= 0.9, "the spread of pods must be 0 to 0.9 (got %g)", s.PodSpread)
	check(s.StartupMin >= 0 && s.StartupMax >= s.StartupMin, "the start-up delay must be 0 or more (got %s to %s)", s.StartupMin, s.StartupMax)
	check(s.NodeShare >= 0 && s.NodeShare <= 1, "the share of pods that wait for a node must be 0 to 1 (got %g)", s.NodeShare)
	check(s.NodeMin >= 0 && s.NodeMax >= s.NodeMin, "the delay of a node must be 0 or more (got %s to %s)", s.NodeMin, s.NodeMax)
	check(s.CrashesPerDay >= 0 && s.CrashesPerDay <= 1440, "crashes a day must be 0 to 1440 (got %g)", s.CrashesPerDay)
	check(s.UngracefulShare >= 0 && s.UngracefulShare <= 1, "the share of ungraceful exits must be 0 to 1 (got %g)", s.UngracefulShare)
	check(s.MinReplicas >= 1, "the least number of replicas must be 1 or more (got %d)", s.MinReplicas)
	check(s.Ceiling() >= s.MinReplicas, "the most replicas must not be below the least (got %d)", s.Ceiling())
	check(s.StartReplicas >= 1 && s.StartReplicas <= s.Ceiling(), "replicas at the start must be 1 to %d (got %d)", s.Ceiling(), s.StartReplicas)
	return errors.Join(errs...)
}

func (s *Scenario) validateTimes() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(s.Warmup >= 0, "the warm-up must not be negative (got %s)", s.Warmup)
	check(s.Length >= time.Minute, "what is scored must be at least a minute long (got %s)", s.Length)
	check(len(s.Objectives) <= MostObjectives, "at most %d objectives are counted (got %d)", MostObjectives, len(s.Objectives))
	for i, o := range s.Objectives {
		check(o > 0 && (i == 0 || o > s.Objectives[i-1]), "objectives must be more than 0 and ascending (got %v)", s.Objectives)
	}
	return errors.Join(errs...)
}
