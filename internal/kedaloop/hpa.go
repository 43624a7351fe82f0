package kedaloop

import (
	"fmt"
	"math"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// HPA is a HorizontalPodAutoscaler with one external metric of type AverageValue, and the
// memory that its controller has of it: reconcileAutoscaler in Kubernetes'
// pkg/controller/podautoscaler/horizontal.go (v1.36). The zero value is not ready; see [NewHPA].
type HPA struct {
	spec            Spec
	recommendations []sample
	ups, downs      []sample
}

// NewHPA returns an HPA that has seen nothing yet.
func NewHPA(spec Spec) *HPA { return &HPA{spec: spec} }

// Sync decides on the replicas at now, with current replicas and a metric value against a
// target a replica, both in records. The caller must then set what it returns. Where the
// metric could not be had, there is no Sync: an HPA without its only metric does nothing.
func (h *HPA) Sync(now time.Time, current int64, value, target float64) Move {
	if h.recommendations == nil {
		h.recommendations = []sample{{now, current}}
	}
	lowest := max(1, h.spec.MinReplicas)
	m := Move{From: current, To: current}
	switch {
	case current == 0:
		m.Reason = "the HPA sleeps at 0 replicas: KEDA starts the first"
	case current > h.spec.MaxReplicas:
		m.To, m.Reason = h.spec.MaxReplicas, fmt.Sprintf("maxReplicaCount is %d", h.spec.MaxReplicas)
	case current < lowest:
		m.To, m.Reason = lowest, fmt.Sprintf("the HPA's minimum is %d", lowest)
	default:
		desired, reason := h.desired(value, target, current)
		m.To, m.Reason = h.normalize(now, current, desired, reason)
	}
	h.remember(now, m)
	return m
}

// desired is what the metric asks for within the bounds. The HPA applies the bounds last; that
// comes to the same, for all between are minima and maxima. The HPA computes in thousandths; whole numbers read better
// in the reason, so thousandths only show where there are some.
func (h *HPA) desired(value, target float64, current int64) (int64, string) {
	tolerance := h.spec.Tolerance
	if b := h.spec.Behavior; b != nil {
		tolerance = b.ScaleDown.Tolerance
		if value > target*float64(current) {
			tolerance = b.ScaleUp.Tolerance
		}
	}
	unit := 1.0
	if value != math.Trunc(value) || target != math.Trunc(target) {
		unit = 1000
	}
	p := policy.Horizontal{Tolerance: tolerance, MinReplicas: h.spec.MinReplicas, MaxReplicas: h.spec.MaxReplicas}
	return p.Desired(int64(math.Round(value*unit)), int64(math.Round(target*unit)), current)
}

// normalize brings what the metric asks for within what the recent past and the pace allow.
func (h *HPA) normalize(now time.Time, current, desired int64, reason string) (int64, string) {
	stable := h.stabilize(now, current, desired)
	h.recommendations = append(h.recommendations, sample{now, desired})
	if stable != desired {
		window := h.downWindow()
		if stable < desired {
			window = h.spec.Behavior.ScaleUp.StabilizationWindow
		}
		reason = fmt.Sprintf("%s, held at %d by what the last %s asked for", reason, stable, short(window))
	}
	top, bottom := h.pace(now, current, stable)
	switch {
	case stable > top:
		return top, fmt.Sprintf("%s, and the pace from %d allows %d", reason, current, top)
	case stable < bottom:
		return bottom, fmt.Sprintf("%s, and the pace from %d allows %d", reason, current, bottom)
	default:
		return stable, reason
	}
}

// stabilize looks back. Without a behavior the highest recent recommendation holds, even above
// what there is now; with one, what there is now moves only as far as all recent ones agree.
func (h *HPA) stabilize(now time.Time, current, desired int64) int64 {
	up, down := desired, desired
	cutoff := now.Add(-h.downWindow())
	if h.spec.Behavior == nil {
		for _, r := range h.recommendations {
			if !r.at.Before(cutoff) {
				down = max(down, r.count)
			}
		}
		return down
	}
	upCutoff := now.Add(-h.spec.Behavior.ScaleUp.StabilizationWindow)
	for _, r := range h.recommendations {
		if r.at.After(upCutoff) {
			up = min(up, r.count)
		}
		if r.at.After(cutoff) {
			down = max(down, r.count)
		}
	}
	return min(max(current, up), down)
}

func (h *HPA) downWindow() time.Duration {
	if h.spec.Behavior != nil {
		return h.spec.Behavior.ScaleDown.StabilizationWindow
	}
	return h.spec.DownscaleStabilization
}

// pace returns how far the count may go at this sync, up and down.
func (h *HPA) pace(now time.Time, current, wanted int64) (top, bottom int64) {
	b := h.spec.Behavior
	switch {
	case b == nil:
		return max(2*current, 4), 0
	case wanted > current:
		return max(current, b.ScaleUp.limit(now, current, +1, h.ups, h.downs)), 0
	default:
		return current, min(current, b.ScaleDown.limit(now, current, -1, h.ups, h.downs))
	}
}

// remember keeps the change, for the pace of the next, and forgets what no window reaches.
func (h *HPA) remember(now time.Time, m Move) {
	b := h.spec.Behavior
	oldest := now.Add(-h.downWindow())
	if b != nil {
		oldest = now.Add(-max(b.ScaleUp.StabilizationWindow, b.ScaleDown.StabilizationWindow))
		period := now.Add(-longest(b.ScaleUp.Policies, b.ScaleDown.Policies))
		h.ups, h.downs = dropBefore(h.ups, period), dropBefore(h.downs, period)
		switch {
		case m.To > m.From:
			h.ups = append(h.ups, sample{now, m.To - m.From})
		case m.To < m.From:
			h.downs = append(h.downs, sample{now, m.From - m.To})
		}
	}
	// Never down to nil: the initial recommendation is made once.
	h.recommendations = dropBefore(h.recommendations, oldest)
}

func longest(policies ...[]Policy) time.Duration {
	var most time.Duration
	for _, list := range policies {
		for _, p := range list {
			most = max(most, p.Period)
		}
	}
	return most
}
