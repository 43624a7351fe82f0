package manifest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"
)

// document is one object of Kubernetes, as far as it is looked at.
type document struct {
	Kind     string
	Metadata struct {
		Name, Namespace string
		Annotations     map[string]string
	}
	Spec  spec
	Items []document
	// problem is why the object could not be read.
	problem error
}

type spec struct {
	MinReplicaCount  *int64 `yaml:"minReplicaCount"`
	MaxReplicaCount  *int64 `yaml:"maxReplicaCount"`
	IdleReplicaCount *int64 `yaml:"idleReplicaCount"`
	Fallback         *struct{}
	Advanced         struct {
		ScalingModifiers              map[string]any `yaml:"scalingModifiers"`
		HorizontalPodAutoscalerConfig struct {
			Behavior map[string]any
		} `yaml:"horizontalPodAutoscalerConfig"`
	}
	ScalingStrategy struct {
		Strategy                   string
		MultipleScalersCalculation string `yaml:"multipleScalersCalculation"`
	} `yaml:"scalingStrategy"`
	Triggers []struct {
		Type       string
		MetricType string `yaml:"metricType"`
		Metadata   map[string]any
	}
}

// UnmarshalYAML reads an object by its kind. What is wrong with it is kept in it: other objects of the same List
// are still read. Objects of other kinds are never wrong, whatever they hold.
func (d *document) UnmarshalYAML(unmarshal func(any) error) error {
	var object struct{ Kind string }
	if err := unmarshal(&object); err != nil {
		return err
	}
	d.Kind = object.Kind
	switch {
	case d.isScaled():
		type fields document
		d.problem = plain(unmarshal((*fields)(d)))
	case d.isList():
		var list struct{ Items []document }
		d.problem = plain(unmarshal(&list))
		d.Items = list.Items
	}
	return nil
}

func (d *document) isScaled() bool { return d.Kind == ScaledObject || d.Kind == ScaledJob }

// isList reports whether the object is a List of such objects, as kubectl and the API server write them.
func (d *document) isList() bool {
	return d.Kind == "List" || d.Kind == ScaledObject+"List" || d.Kind == ScaledJob+"List"
}

func unmarshal(raw []byte, into any) error { return plain(yaml.Unmarshal(raw, into)) }

// plain keeps a YAML error on one line.
func plain(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}

func (d *document) scaled(lookupEnv func(string) (string, bool)) (Scaled, error) {
	s := Scaled{
		Kind: d.Kind, Name: d.Metadata.Name, Namespace: d.Metadata.Namespace,
		MinReplicas: d.Spec.MinReplicaCount, MaxReplicas: d.Spec.MaxReplicaCount, IdleReplicas: d.Spec.IdleReplicaCount,
		AllTriggers:      len(d.Spec.Triggers),
		ScalingModifiers: len(d.Spec.Advanced.ScalingModifiers) > 0,
		Behavior:         len(d.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior) > 0,
		Fallback:         d.Spec.Fallback != nil,
		Strategy:         d.Spec.ScalingStrategy.Strategy,
		Calculation:      d.Spec.ScalingStrategy.MultipleScalersCalculation,
		Holds:            holds(d.Kind, d.Metadata.Annotations),
	}
	if s.Namespace == "" {
		s.Namespace = "default"
	}
	for i, t := range d.Spec.Triggers {
		if !slices.Contains(types(), t.Type) {
			continue
		}
		metadata, unset, err := resolve(t.Metadata, lookupEnv)
		if err != nil {
			return s, fmt.Errorf("trigger %d: %w", i, err)
		}
		s.Triggers = append(s.Triggers, Trigger{Index: i, Type: t.Type, MetricType: t.MetricType, Metadata: metadata, Unset: unset})
	}
	return s, nil
}

// resolve does what KEDA does with metadata before it sends them.
func resolve(metadata map[string]any, lookupEnv func(string) (string, bool)) (resolved map[string]string, unset []Variable, err error) {
	resolved = make(map[string]string, len(metadata))
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		value, ok := metadata[key].(string)
		if !ok {
			return nil, nil, fmt.Errorf("metadata %s: not a string (got %v)", key, metadata[key])
		}
		if strings.HasSuffix(key, fromEnv) {
			name := value
			if value, _ = lookupEnv(name); value == "" {
				unset = append(unset, Variable{Key: key, Name: name})
				continue
			}
		}
		resolved[key] = value
	}
	return resolved, unset, nil
}
