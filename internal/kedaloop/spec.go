package kedaloop

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// Spec is what a ScaledObject, and the flags of the HPA's controller, say about scaling.
type Spec struct {
	// PollingInterval is how often KEDA asks whether to wake the workload; > 0.
	PollingInterval time.Duration
	// CooldownPeriod is how long after the last active answer KEDA goes to zero.
	CooldownPeriod time.Duration
	// InitialCooldownPeriod is the same for a ScaledObject that was never active, counted from its creation.
	InitialCooldownPeriod time.Duration
	// MinReplicas is minReplicaCount. The HPA's own minimum is the same, but at least 1.
	MinReplicas int64
	// MaxReplicas is maxReplicaCount; >= 1.
	MaxReplicas int64
	// SyncPeriod is the HPA controller's --horizontal-pod-autoscaler-sync-period; > 0.
	SyncPeriod time.Duration
	// DownscaleStabilization is its --horizontal-pod-autoscaler-downscale-stabilization, which holds where Behavior says nothing.
	DownscaleStabilization time.Duration
	// Tolerance is its --horizontal-pod-autoscaler-tolerance, which holds where Behavior says nothing.
	Tolerance float64
	// Behavior is advanced.horizontalPodAutoscalerConfig.behavior. An HPA without one may double, but at least go
	// to 4, at every sync; the policies that the documentation calls default are those of an HPA that has one.
	Behavior *Behavior
	// Push is set for the trigger type external-push.
	Push bool
	// CallTimeout ends a call that is not answered. KEDA has none in its own loop; a test and a demo need one.
	CallTimeout time.Duration
}

// DefaultSpec is a ScaledObject that says nothing, under a controller without flags.
func DefaultSpec() Spec {
	return Spec{
		PollingInterval:        30 * time.Second,
		CooldownPeriod:         300 * time.Second,
		MaxReplicas:            100,
		SyncPeriod:             15 * time.Second,
		DownscaleStabilization: 300 * time.Second,
		Tolerance:              policy.DefaultTolerance,
		CallTimeout:            10 * time.Second,
	}
}

// Faster returns the same with a clock that runs factor times as fast: every period, window
// and cooldown is that much shorter. CallTimeout stays, for the server's clock does not change.
func (s Spec) Faster(factor float64) Spec {
	faster := func(d time.Duration) time.Duration { return time.Duration(float64(d) / factor) }
	s.PollingInterval = faster(s.PollingInterval)
	s.CooldownPeriod = faster(s.CooldownPeriod)
	s.InitialCooldownPeriod = faster(s.InitialCooldownPeriod)
	s.SyncPeriod = faster(s.SyncPeriod)
	s.DownscaleStabilization = faster(s.DownscaleStabilization)
	if s.Behavior != nil {
		s.Behavior = &Behavior{ScaleUp: s.Behavior.ScaleUp.faster(faster), ScaleDown: s.Behavior.ScaleDown.faster(faster)}
	}
	return s
}

// Move is what one evaluation made of the number of replicas.
type Move struct {
	From, To int64
	// Reason is one sentence with the numbers in it, for people.
	Reason string
}
