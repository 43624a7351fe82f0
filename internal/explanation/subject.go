package explanation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// Subject is the trigger that is explained, as far as it is known. A scaler is told of
// a trigger's metadata and no more: what else decides about replicas has to come
// from the manifest.
type Subject struct {
	// Workload is the ScaledObject or ScaledJob that has the trigger; nil where nobody knows.
	Workload *manifest.Scaled
	// Trigger is the trigger as Workload has it; the zero value where nobody knows.
	Trigger manifest.Trigger
	// Notes are sentences that the reader is to know before the numbers.
	Notes []string
}

// kind is ScaledObject, ScaledJob, or empty where it is not known.
func (s *Subject) kind() string {
	if s.Workload == nil {
		return ""
	}
	return s.Workload.Kind
}

// others is how many triggers the workload has apart from this one, as far as that is known.
func (s *Subject) others() int {
	if s.Workload == nil {
		return 0
	}
	return s.Workload.AllTriggers - 1
}

// among says that the trigger is one of several.
func (s *Subject) among() string { return fmt.Sprintf("This is one of %d triggers", s.others()+1) }

// formula reports whether the HPA gets a number that KEDA makes of all triggers, and not this one.
func (s *Subject) formula() bool {
	return s.kind() == manifest.ScaledObject && s.Workload.ScalingModifiers
}

// notes are what the reader is to know before the numbers.
func (s *Subject) notes() []string {
	notes := slices.Clone(s.Notes)
	for _, v := range s.Trigger.Unset {
		notes = append(notes, fmt.Sprintf("%s; %s.", v, v.Remedy()))
	}
	if s.Workload != nil && len(s.Workload.Holds) > 0 {
		notes = append(notes, fmt.Sprintf("KEDA is held by %s: what is shown here is what it does without that.", strings.Join(s.Workload.Holds, ", ")))
	}
	return notes
}

// leftOut are what the numbers do not take into account.
func (s *Subject) leftOut() []string {
	switch {
	case s.kind() == "":
		return []string{"Not known here, and left out: minReplicaCount, maxReplicaCount, metricType and other triggers."}
	case s.kind() == manifest.ScaledJob:
		return s.jobsLeftOut()
	case s.formula():
		return []string{"KEDA makes one metric of all triggers, by the formula of advanced.scalingModifiers, and the HPA sees that one only: what becomes of this trigger's number is not shown."}
	}
	var left []string
	if s.others() > 0 {
		left = append(left, s.among()+", and the HPA takes the largest of what they ask for: the others are left out.")
	}
	if s.Workload.Behavior {
		left = append(left, "The HPA's behavior (advanced.horizontalPodAutoscalerConfig) is left out: it may hold the HPA back, and change its tolerance.")
	}
	return left
}

func (s *Subject) jobsLeftOut() []string {
	var left []string
	if s.others() > 0 {
		takes := map[string]string{
			"min": "takes the one with the shortest queue", "avg": "takes their average", "sum": "adds them up",
		}[s.Workload.Calculation]
		if takes == "" {
			takes = "takes the one with the longest queue"
		}
		left = append(left, fmt.Sprintf("%s: of those that are active KEDA %s (multipleScalersCalculation). The others are left out.", s.among(), takes))
	}
	if s.customStrategy() {
		left = append(left, fmt.Sprintf("How many of them it starts, with what runs and waits, is for scalingStrategy %s to say, and left out.", s.Workload.Strategy))
	}
	return left
}

// customStrategy reports whether a ScaledJob starts other than just the jobs that are missing.
func (s *Subject) customStrategy() bool {
	return slices.Contains([]string{"custom", "accurate", "eager"}, s.Workload.Strategy)
}

// Restate makes the explanation's outcomes those of the subject: a scaler explains a ScaledObject with KEDA's
// defaults, and is not told of another. There are none where no HPA gets the trigger's number.
func Restate(e *kafkascalerv1.Explanation, s Subject) {
	d := e.GetDecision()
	if s.Workload == nil || d == nil || e.GetError() != "" {
		return
	}
	e.Horizontal = nil
	if s.kind() == manifest.ScaledJob || s.formula() {
		return
	}
	h := policy.Horizontal{
		Tolerance: policy.DefaultTolerance, MinReplicas: s.Workload.Min(), MaxReplicas: s.Workload.Max(),
		ByValue: s.Trigger.MetricType == "Value",
	}
	for _, o := range h.Outcomes(policy.Decision{Value: d.GetValue(), Target: d.GetTarget(), MaxReplicas: d.GetMaxReplicas()}) {
		e.Horizontal = append(e.Horizontal, &kafkascalerv1.HorizontalOutcome{CurrentReplicas: o.Current, DesiredReplicas: o.Desired, Reason: o.Reason})
	}
}
