package manifest

import (
	"slices"
	"strconv"
)

// Scaled is one ScaledObject or ScaledJob, with what decides about its replicas.
type Scaled struct {
	// Kind is [ScaledObject] or [ScaledJob].
	Kind, Name, Namespace string
	// MinReplicas, MaxReplicas and IdleReplicas are minReplicaCount, maxReplicaCount and idleReplicaCount; nil
	// where they are not given.
	MinReplicas, MaxReplicas, IdleReplicas *int64
	// Triggers are the triggers that this scaler can answer, in the file's order, and AllTriggers is how many
	// there are of any type.
	Triggers    []Trigger
	AllTriggers int
	// ScalingModifiers says that KEDA makes one metric of all triggers by a formula.
	ScalingModifiers bool
	// Behavior says that the HPA is given a behavior of its own.
	Behavior bool
	// Fallback says that KEDA has a number of replicas for triggers that fail.
	Fallback bool
	// Strategy and Calculation are a ScaledJob's scalingStrategy.strategy and
	// scalingStrategy.multipleScalersCalculation; empty for KEDA's defaults, default and max.
	Strategy, Calculation string
	// Holds are the annotations by which KEDA does something else than its triggers say.
	Holds []string
}

// String names the object.
func (s *Scaled) String() string { return s.Kind + " " + s.Namespace + "/" + s.Name }

// KEDA's defaults for replica bounds, of ScaledObjects and ScaledJobs alike (apis/keda/v1alpha1 in
// kedacore/keda v2.21.0).
const (
	defaultMinReplicas = 0
	defaultMaxReplicas = 100
)

// Min is minReplicaCount, or KEDA's default. For a ScaledJob it is never more than maxReplicaCount, as in KEDA.
func (s *Scaled) Min() int64 {
	least := int64(defaultMinReplicas)
	if s.MinReplicas != nil {
		least = *s.MinReplicas
	}
	if s.Kind == ScaledJob && s.MaxReplicas != nil {
		return min(least, *s.MaxReplicas)
	}
	return least
}

// Max is maxReplicaCount, or KEDA's default.
func (s *Scaled) Max() int64 {
	if s.MaxReplicas == nil {
		return defaultMaxReplicas
	}
	return *s.MaxReplicas
}

// MaxJobs is the most jobs that the triggers of a ScaledJob can ask for: maxReplicaCount without those of
// minReplicaCount, which it has anyway. KEDA takes nothing off where minReplicaCount is the larger of the two, and
// from its default of 100 (MaxReplicaCount in scaledjob_types.go).
func (s *Scaled) MaxJobs() int64 {
	if s.MaxReplicas == nil || s.MinReplicas != nil && *s.MinReplicas > *s.MaxReplicas {
		return s.Max()
	}
	return s.Max() - s.Min()
}

// holds returns the annotations that hold KEDA, as KEDA reads them: one that is a bool counts where it is not false,
// and one with a number counts whatever it is. ScaledJobs have the first only (scaledobject_types.go and
// scaledjob_types.go).
func holds(kind string, annotations map[string]string) []string {
	const prefix = "autoscaling.keda.sh/"
	names := []string{prefix + "paused"}
	if kind == ScaledObject {
		names = append(names, prefix+"paused-replicas", prefix+"paused-scale-in", prefix+"paused-scale-out", prefix+"force-activation")
	}
	return slices.DeleteFunc(names, func(name string) bool {
		value, given := annotations[name]
		on, err := strconv.ParseBool(value)
		return !given || err == nil && !on && name != prefix+"paused-replicas"
	})
}
