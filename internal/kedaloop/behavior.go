package kedaloop

import (
	"math"
	"slices"
	"time"
)

// Behavior is autoscaling/v2's HorizontalPodAutoscalerBehavior with every default filled in.
type Behavior struct {
	ScaleUp, ScaleDown Rules
}

// DefaultBehavior is what Kubernetes fills in for an HPA whose behavior says nothing: SetDefaults
// in pkg/apis/autoscaling/v2/defaults.go, with the controller's flags at their defaults.
func DefaultBehavior() Behavior {
	return Behavior{
		ScaleUp: Rules{
			Tolerance: 0.1,
			Select:    SelectMax,
			Policies:  []Policy{{Pods: 4, Period: 15 * time.Second}, {Percent: 100, Period: 15 * time.Second}},
		},
		ScaleDown: Rules{
			StabilizationWindow: 300 * time.Second,
			Tolerance:           0.1,
			Select:              SelectMax,
			Policies:            []Policy{{Percent: 100, Period: 15 * time.Second}},
		},
	}
}

// Rules are the HPAScalingRules of one direction.
type Rules struct {
	// StabilizationWindow is how far back recommendations hold a change off.
	StabilizationWindow time.Duration
	// Tolerance is how far beyond 1 the ratio of metric and capacity must be, in this direction.
	Tolerance float64
	Select    Select
	Policies  []Policy
}

// Select says which of several policies counts.
type Select string

// The values of selectPolicy.
const (
	// SelectMax takes the policy that allows the largest change.
	SelectMax Select = "Max"
	// SelectMin takes the policy that allows the smallest change.
	SelectMin Select = "Min"
	// SelectDisabled allows no change.
	SelectDisabled Select = "Disabled"
)

// Policy allows a change of so many Pods, or, where that is 0, of so many Percent of what
// there was at the start of the Period.
type Policy struct {
	Pods, Percent int64
	Period        time.Duration
}

func (r Rules) faster(faster func(time.Duration) time.Duration) Rules {
	r.StabilizationWindow = faster(r.StabilizationWindow)
	r.Policies = slices.Clone(r.Policies)
	for i := range r.Policies {
		r.Policies[i].Period = faster(r.Policies[i].Period)
	}
	return r
}

// limit returns the furthest count that the rules allow from current, in the direction
// sign (+1 up, -1 down), given the changes that the HPA has made.
func (r Rules) limit(now time.Time, current, sign int64, ups, downs []sample) int64 {
	if r.Select == SelectDisabled || len(r.Policies) == 0 {
		return current
	}
	limits := make([]int64, len(r.Policies))
	for i, p := range r.Policies {
		start := current - sum(ups, now.Add(-p.Period)) + sum(downs, now.Add(-p.Period))
		limits[i] = p.limit(start, sign)
	}
	// The largest change is the highest limit up and the lowest one down.
	if (r.Select == SelectMin) == (sign > 0) {
		return slices.Min(limits)
	}
	return slices.Max(limits)
}

// limit rounds a percentage away from the start when going up, so that 1 can become 2, and
// towards zero when going down, as the controller does.
func (p Policy) limit(start, sign int64) int64 {
	if p.Pods > 0 {
		return start + sign*p.Pods
	}
	share := float64(start) * (1 + float64(sign)*float64(p.Percent)/100)
	if sign > 0 {
		return int64(math.Ceil(share))
	}
	return int64(share)
}

// sample is a count at a time: a recommendation, or a change that was made.
type sample struct {
	at    time.Time
	count int64
}

func sum(samples []sample, after time.Time) int64 {
	var total int64
	for _, s := range samples {
		if s.at.After(after) {
			total += s.count
		}
	}
	return total
}

func dropBefore(samples []sample, oldest time.Time) []sample {
	return slices.DeleteFunc(samples, func(s sample) bool { return s.at.Before(oldest) })
}
