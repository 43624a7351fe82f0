// Package manifest reads ScaledObjects and ScaledJobs from YAML files, as far as
// the check and explain commands need them: names, replica bounds and the
// metadata of triggers that this scaler can answer.
package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Scaled is one ScaledObject or ScaledJob.
type Scaled struct {
	Kind, Name, Namespace string
	// MinReplicas and MaxReplicas are the bounds that KEDA gives to the HPA; KEDA's defaults are 0 and 100.
	MinReplicas, MaxReplicas int64
	// Triggers are the triggers that this scaler can answer, in the file's order.
	Triggers []Trigger
}

// Trigger is one trigger of a ScaledObject.
type Trigger struct {
	// Index is the trigger's place in the ScaledObject, the i of KEDA's si- prefix.
	Index int
	// Type is external, external-push, kafka or apache-kafka. The last two are KEDA's own: explaining them
	// shows what this scaler would answer in their place.
	Type string
	// MetricType is as the trigger has it; empty means AverageValue, KEDA's default.
	MetricType string
	Metadata   map[string]string
}

// Problem returns what KEDA itself would reject, nil for nothing: an external trigger without the
// scalerAddress that says whom to ask (required by external_scaler.go in kedacore/keda v2.21.0, which takes it
// from no environment variable).
func (t Trigger) Problem() error {
	if t.KEDAs() || t.Metadata["scalerAddress"] != "" {
		return nil
	}
	return &fault.Error{
		Kind: fault.Invalid, Op: "read", Object: "trigger metadata scalerAddress",
		Err:    fmt.Errorf("is required: KEDA rejects a trigger of type %s without it", t.Type),
		Remedy: "write the address of the scaler's Service, such as kafka-scaler.kafka-scaler:6000",
	}
}

// KEDAs reports whether the trigger is one of KEDA's own, which this scaler answers in its place.
func (t Trigger) KEDAs() bool { return t.Type == "kafka" || t.Type == "apache-kafka" }

// KEDA's defaults for replica bounds (ScaledObject API, kedacore/keda v2).
const (
	defaultMinReplicas = 0
	defaultMaxReplicas = 100
)

// types are the types of the triggers that this scaler can answer.
func types() []string { return []string{"external", "external-push", "kafka", "apache-kafka"} }

type document struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Spec struct {
		MinReplicaCount *int64 `json:"minReplicaCount"`
		MaxReplicaCount *int64 `json:"maxReplicaCount"`
		Triggers        []struct {
			Type       string         `json:"type"`
			MetricType string         `json:"metricType"`
			Metadata   map[string]any `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

// Read returns the ScaledObjects and ScaledJobs among the YAML documents of r
// that have a trigger for this scaler; file names it in errors. A key that ends
// in FromEnv names an environment variable of the workload: getenv stands in for
// KEDA, which sends the variable's value under the same key and leaves out what
// is empty.
func Read(r io.Reader, file string, getenv func(string) string) ([]Scaled, error) {
	docs, err := split(r)
	if err != nil {
		return nil, invalid(file, err, "check the path and its permissions")
	}
	var found []Scaled
	var others []string
	for i, raw := range docs {
		var d document
		object := fmt.Sprintf("%s, document %d", file, i+1)
		if err := yaml.Unmarshal(raw, &d); err != nil {
			return nil, invalid(object, plain(err), "mend the YAML")
		}
		if d.Kind != "ScaledObject" && d.Kind != "ScaledJob" {
			continue
		}
		s, err := d.scaled(getenv)
		if err != nil {
			return nil, invalid(object, err, "quote the value: Kubernetes takes only strings in trigger metadata")
		}
		if len(s.Triggers) > 0 {
			found = append(found, s)
			continue
		}
		for _, t := range d.Spec.Triggers {
			others = append(others, strconv.Quote(t.Type))
		}
	}
	if len(found) == 0 {
		return nil, nothing(file, others)
	}
	return found, nil
}

// nothing is the error of a file without a trigger for this scaler; others are the types of those that it has.
func nothing(file string, others []string) error {
	problem, remedy := "no ScaledObject or ScaledJob with a trigger of type "+strings.Join(types(), ", "), "name the file that holds the ScaledObject"
	if len(others) > 0 {
		slices.Sort(others)
		problem += "; found type " + strings.Join(slices.Compact(others), ", ")
		remedy = "correct the type, in lower case, or " + remedy
	}
	return invalid(file, errors.New(problem), remedy)
}

func (d *document) scaled(getenv func(string) string) (Scaled, error) {
	s := Scaled{
		Kind: d.Kind, Name: d.Metadata.Name, Namespace: d.Metadata.Namespace,
		MinReplicas: defaultMinReplicas, MaxReplicas: defaultMaxReplicas,
	}
	if s.Namespace == "" {
		s.Namespace = "default"
	}
	if d.Spec.MinReplicaCount != nil {
		s.MinReplicas = *d.Spec.MinReplicaCount
	}
	if d.Spec.MaxReplicaCount != nil {
		s.MaxReplicas = *d.Spec.MaxReplicaCount
	}
	for i, t := range d.Spec.Triggers {
		if !slices.Contains(types(), t.Type) {
			continue
		}
		metadata, err := resolve(t.Metadata, getenv)
		if err != nil {
			return Scaled{}, err
		}
		s.Triggers = append(s.Triggers, Trigger{Index: i, Type: t.Type, MetricType: t.MetricType, Metadata: metadata})
	}
	return s, nil
}

func resolve(metadata map[string]any, getenv func(string) string) (map[string]string, error) {
	resolved := make(map[string]string, len(metadata))
	for key, v := range metadata {
		value, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("trigger metadata %s: not a string (got %v)", key, v)
		}
		if strings.HasSuffix(key, "FromEnv") {
			if value = getenv(value); value == "" {
				continue
			}
		}
		resolved[key] = value
	}
	return resolved, nil
}

// split cuts a YAML stream at its document separators.
func split(r io.Reader) ([][]byte, error) {
	var docs [][]byte
	var doc bytes.Buffer
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := lines.Bytes(); bytes.HasPrefix(line, []byte("---")) {
			docs = append(docs, bytes.Clone(doc.Bytes()))
			doc.Reset()
			continue
		}
		doc.Write(lines.Bytes())
		doc.WriteByte('\n')
	}
	return append(docs, doc.Bytes()), lines.Err()
}

// plain keeps a YAML error on one line.
func plain(err error) error {
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}

func invalid(object string, err error, remedy string) error {
	return &fault.Error{Kind: fault.Invalid, Op: "read", Object: object, Err: err, Remedy: remedy}
}
