package kedaloop

import (
	"fmt"
	"strings"
	"time"
)

// KEDA is the part of KEDA that starts the first replicas and stops the last:
// RequestScale in its pkg/scaling/executor/scale_scaledobjects.go (v2.21.0).
// Everything between is the HPA's.
type KEDA struct {
	spec       Spec
	created    time.Time
	lastActive time.Time // zero until the first active answer
}

// NewKEDA returns KEDA's memory of a ScaledObject that was created at the given time.
func NewKEDA(spec Spec, created time.Time) *KEDA { return &KEDA{spec: spec, created: created} }

// Poll decides on the replicas at now, with current replicas, after all calls of a poll were answered.
func (k *KEDA) Poll(now time.Time, current int64, active bool) Move {
	m := Move{From: current, To: current}
	switch {
	case active && current == 0:
		m.To = max(1, k.spec.MinReplicas)
		m.Reason = "the trigger is active"
		k.lastActive = now
	case active:
		m.Reason = "the trigger is active, and the count is the HPA's business"
		k.lastActive = now
	case current > 0 && k.spec.MinReplicas == 0:
		m.To, m.Reason = k.coolDown(now, current)
	case current < k.spec.MinReplicas:
		m.To, m.Reason = k.spec.MinReplicas, fmt.Sprintf("minReplicaCount is %d", k.spec.MinReplicas)
	default:
		m.Reason = "the trigger is inactive, and there is nothing to do"
	}
	return m
}

// Failed decides after a poll that had an error. It leaves everything as it is.
func (k *KEDA) Failed(current int64, err error) Move {
	return Move{From: current, To: current, Reason: fmt.Sprintf("the scaler answered with an error, so KEDA leaves the replicas alone: %v", err)}
}

// Push decides after the stream of an external-push trigger has sent a value. Only active does
// something, since KEDA 2.18.
func (k *KEDA) Push(now time.Time, current int64, active bool) Move {
	if !active {
		return Move{From: current, To: current, Reason: "KEDA ignores a pushed inactive: the poll decides"}
	}
	m := k.Poll(now, current, true)
	if m.To != m.From {
		m.Reason = "the scaler pushed that the trigger is active"
	}
	return m
}

func (k *KEDA) coolDown(now time.Time, current int64) (int64, string) {
	since, period, name := k.lastActive, k.spec.CooldownPeriod, "cooldownPeriod"
	if since.IsZero() {
		since, period, name = k.created, k.spec.InitialCooldownPeriod, "initialCooldownPeriod"
	}
	ago := now.Sub(since)
	if ago > period {
		return 0, fmt.Sprintf("inactive for longer than the %s of %s", name, short(period))
	}
	return current, fmt.Sprintf("inactive, and cooling down: %s of %s", short(ago), short(period))
}

// short shows 5m, not 5m0s.
func short(d time.Duration) string {
	text := d.Round(100 * time.Millisecond).String()
	if strings.HasSuffix(text, "m0s") {
		return strings.TrimSuffix(text, "0s")
	}
	return text
}
