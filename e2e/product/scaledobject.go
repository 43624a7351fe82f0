package product

import (
	"fmt"
	"maps"
	"os"

	"sigs.k8s.io/yaml"
)

// Change says what a ScaledObject has other than the shipped example.
type Change struct {
	Name, Namespace string
	// Type is the trigger's type; "" is the example's.
	Type string
	// Metadata is put over the trigger's; an empty value removes the key.
	Metadata map[string]string
	// Min and Max bound the replicas.
	Min, Max int
	// PollingInterval and CooldownPeriod are in seconds.
	PollingInterval, CooldownPeriod int
	// StabilizationWindow is the HPA's for scaling down, in seconds; Kubernetes' default is 300.
	StabilizationWindow int
	// ExampleBehavior keeps the HPA's behavior of the example. StabilizationWindow then does not count.
	ExampleBehavior bool
	// HoldOnErrors has KEDA itself hold the replicas while the scaler answers with errors, by its fallback.
	HoldOnErrors bool
}

// ScaledObject returns the ScaledObject of a manifest such as
// deploy/scaledobject.yaml with a change, as YAML. The HPA may take any step at
// once, and without the five minutes that it waits by default before it takes
// replicas away: tests have no time for that. [Change.ExampleBehavior] keeps what
// the manifest says about it.
func ScaledObject(manifest string, c Change) ([]byte, error) {
	object, err := read(manifest)
	if err != nil {
		return nil, err
	}
	object["metadata"] = map[string]any{"name": c.Name, "namespace": c.Namespace}
	spec, trigger, err := parts(object)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifest, err)
	}
	spec["scaleTargetRef"] = map[string]any{"name": c.Name}
	c.apply(spec, trigger)
	spec["cooldownPeriod"] = c.CooldownPeriod
	if c.HoldOnErrors {
		spec["fallback"] = map[string]any{"failureThreshold": 3, "replicas": 1, "behavior": "currentReplicas"}
	}
	if !c.ExampleBehavior {
		spec["advanced"] = map[string]any{"horizontalPodAutoscalerConfig": map[string]any{"behavior": map[string]any{
			"scaleUp": behaviour(0), "scaleDown": behaviour(c.StabilizationWindow),
		}}}
	}
	return yaml.Marshal(object)
}

func behaviour(window int) map[string]any {
	return map[string]any{
		"stabilizationWindowSeconds": window,
		"policies":                   []any{map[string]any{"type": "Pods", "value": 1000, "periodSeconds": 1}},
	}
}

// ScaledJob returns a ScaledJob with the example's trigger and a change. Each job
// runs one pod that ends by itself.
func ScaledJob(manifest string, c Change) ([]byte, error) {
	object, err := read(manifest)
	if err != nil {
		return nil, err
	}
	_, trigger, err := parts(object)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifest, err)
	}
	spec := map[string]any{"triggers": []any{trigger}}
	c.apply(spec, trigger)
	spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"] = 100, 100
	spec["jobTargetRef"] = map[string]any{"template": map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"app": c.Name}},
		"spec": map[string]any{
			"restartPolicy": "Never",
			"containers":    []any{map[string]any{"name": "consumer", "image": "none.invalid/none"}},
		},
	}}
	object["kind"] = "ScaledJob"
	object["metadata"] = map[string]any{"name": c.Name, "namespace": c.Namespace}
	object["spec"] = spec
	return yaml.Marshal(object)
}

// apply puts the change into what ScaledObjects and ScaledJobs have in common.
func (c Change) apply(spec, trigger map[string]any) {
	if c.Type != "" {
		trigger["type"] = c.Type
	}
	metadata := trigger["metadata"].(map[string]any)
	for key, value := range c.Metadata {
		metadata[key] = value
	}
	maps.DeleteFunc(metadata, func(_ string, value any) bool { return value == "" })
	spec["pollingInterval"] = c.PollingInterval
	spec["minReplicaCount"], spec["maxReplicaCount"] = c.Min, c.Max
}

func read(manifest string) (map[string]any, error) {
	content, err := os.ReadFile(manifest)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	if err := yaml.Unmarshal(content, &object); err != nil {
		return nil, fmt.Errorf("%s: %w", manifest, err)
	}
	return object, nil
}

func parts(object map[string]any) (spec, trigger map[string]any, err error) {
	spec, ok := object["spec"].(map[string]any)
	if !ok {
		return nil, nil, fmt.Errorf("no spec in %v", object)
	}
	triggers, ok := spec["triggers"].([]any)
	if !ok || len(triggers) != 1 {
		return nil, nil, fmt.Errorf("want one trigger, got %v", spec["triggers"])
	}
	trigger, ok = triggers[0].(map[string]any)
	if !ok || trigger["metadata"] == nil {
		return nil, nil, fmt.Errorf("a trigger without metadata: %v", triggers[0])
	}
	return spec, trigger, nil
}
