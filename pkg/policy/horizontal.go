package policy

import (
	"fmt"
	"math"
)

// DefaultTolerance is the HPA's --horizontal-pod-autoscaler-tolerance where nobody has set it.
const DefaultTolerance = 0.1

// Horizontal restates what a Kubernetes HorizontalPodAutoscaler makes of an external
// metric from one replica on: GetExternalPerPodMetricReplicas for an AverageValue target,
// GetExternalMetricReplicas for a Value target, in Kubernetes'
// pkg/controller/podautoscaler/replica_calculator.go (v1.36).
//
// Left out is what only delays the outcome, and what explain cannot know: the
// stabilisation windows, the pace of scaling up (without a behavior at most double, or 4, at
// every sync; with one that names no policies at most double, or 4 more, in 15 s), and other
// metrics of the same HPA.
type Horizontal struct {
	// Tolerance is how far the ratio of metric and capacity may be from 1 without a change, both ways
	// and inclusive. 0 means none; the HPA's own default is [DefaultTolerance].
	Tolerance float64
	// MinReplicas is the HPA's minimum. KEDA makes it minReplicaCount, but at least 1, and so does this.
	MinReplicas int64
	// MaxReplicas is maxReplicaCount; 0 means that it is not known and limits nothing.
	MaxReplicas int64
	// ByValue is metricType: Value: the HPA multiplies the replicas that are ready, here taken for all there
	// are, by the ratio of metric and target, where AverageValue, which is KEDA's default, divides the metric.
	ByValue bool
}

// Desired returns how many replicas the HPA wants when it has current replicas and sees
// value against target, all three in records or replicas, and one sentence why. A target
// below 1 or fewer than 1 current replica means that the HPA does nothing: from 0 it is
// KEDA that starts the first.
func (h Horizontal) Desired(value, target, current int64) (desired int64, reason string) {
	if target < 1 {
		return current, fmt.Sprintf("the HPA does nothing with a target of %d", target)
	}
	if current < 1 {
		return current, "the HPA does nothing at 0 replicas: KEDA starts the first when the trigger is active"
	}
	desired, reason = h.aim(value, target, current)
	if h.MaxReplicas > 0 && desired > h.MaxReplicas {
		return h.MaxReplicas, fmt.Sprintf("%s, and maxReplicaCount is %d", reason, h.MaxReplicas)
	}
	if lowest := max(1, h.MinReplicas); desired < lowest {
		return lowest, fmt.Sprintf("%s, and the HPA's minimum is %d", reason, lowest)
	}
	return desired, reason
}

// aim is what the HPA would have before its limits, and why.
func (h Horizontal) aim(value, target, current int64) (desired int64, reason string) {
	switch seen := max(0, value); {
	case h.keeps(value, target, current) && h.ByValue:
		return current, fmt.Sprintf("%d / %d = %.3f is within %.3g of 1: keeps what it has", seen, target, h.ratio(value, target, current), h.Tolerance)
	case h.keeps(value, target, current):
		return current, fmt.Sprintf("%d / (%d x %d) = %.3f is within %.3g of 1: keeps what it has",
			seen, current, target, h.ratio(value, target, current), h.Tolerance)
	case h.ByValue:
		desired = int64(min(math.Ceil(milli(value)/milli(target)*float64(current)), float64(mostReplicas)))
		return desired, fmt.Sprintf("ceil(%d x %d / %d) = %d", current, seen, target, desired)
	default:
		desired = askedReplicas(value, target)
		return desired, fmt.Sprintf("ceil(%d / %d) = %d", seen, target, desired)
	}
}

// Unreachable says why an HPA that has current replicas does not go on to what the decision
// asks for, and which setting lets it: its tolerance. It is empty where the HPA follows.
//
// No metric value can help there: whatever makes the ratio leave the tolerance also asks
// for more replicas than the cap. For a Value target it is always empty: that asks for no number. [Policy.Decide] keeps the HPA from coming to rest so
// close below a cap by its metric, but not by other ways, such as its pace: 1, 4, 8, 16, 32
// and 64 replicas where the HPA has no behavior, so that caps of 17, 33 to 35 and 65 to 70 can
// be out of reach, and 1, 5, 10, 20, 40 and 80 where it has one, and then 11, 21 and 22, 41 to
// 44 and 81 to 88.
func (h Horizontal) Unreachable(d Decision, current int64) string {
	if h.ByValue || d.Err != nil || d.Target < 1 || current < 1 || !h.keeps(d.Value, d.Target, current) {
		return ""
	}
	asked := askedReplicas(d.Value, d.Target)
	if h.MaxReplicas > 0 {
		asked = min(asked, h.MaxReplicas)
	}
	if asked <= current {
		return ""
	}
	return fmt.Sprintf("the HPA stays at %d although %d are asked for, because of its tolerance of %.3g; "+
		`set advanced.horizontalPodAutoscalerConfig.behavior.scaleUp.tolerance: "0" (Kubernetes 1.35 and later; `+
		"an alpha feature since 1.33), or a scaleUp policy with steps that do not stop at %d", current, asked, h.Tolerance, current)
}

// ratio is the HPA's usage ratio. It computes in thousandths, and so does this, so that
// both round alike.
func (h Horizontal) ratio(value, target, current int64) float64 {
	if h.ByValue {
		current = 1
	}
	return milli(value) / (milli(target) * float64(current))
}

func milli(records int64) float64 { return float64(mul(max(0, records), 1000)) }

// keeps reports whether the tolerance makes the HPA keep its current replicas.
func (h Horizontal) keeps(value, target, current int64) bool {
	r := h.ratio(value, target, current)
	return 1-h.Tolerance <= r && r <= 1+h.Tolerance
}

func askedReplicas(value, target int64) int64 {
	return int64(min(math.Ceil(milli(value)/milli(target)), float64(mostReplicas)))
}
