// Package manifest reads ScaledObjects and ScaledJobs from YAML files, as far as
// the check and explain commands need them: names, replica bounds, what else
// decides about replicas, and the metadata of triggers that this scaler can answer.
package manifest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// The kinds of [Scaled].
const (
	ScaledObject = "ScaledObject"
	ScaledJob    = "ScaledJob"
)

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
	// Unset are the keys that Metadata lacks because their variable is empty or not set.
	Unset []Variable
}

// Problem returns what is wrong with the trigger that the scaler is not told of, nil for nothing: an external trigger
// without the scalerAddress that says whom to ask, which KEDA rejects (required by external_scaler.go in kedacore/keda
// v2.21.0, which takes it from no environment variable), and targetLatency with metricType Value.
func (t Trigger) Problem() error {
	if t.MetricType == "Value" && t.scalesByLatency() {
		return &fault.Error{
			Kind: fault.Invalid, Op: "read", Object: "metricType Value",
			Err:    errors.New("cannot go together with targetLatency: its metric is a number of replicas, and the HPA would multiply the replicas by it"),
			Remedy: "leave metricType out, or write AverageValue",
		}
	}
	if t.KEDAs() || t.Metadata["scalerAddress"] != "" {
		return nil
	}
	return &fault.Error{
		Kind: fault.Invalid, Op: "read", Object: "trigger metadata scalerAddress",
		Err:    fmt.Errorf("is required: KEDA rejects a trigger of type %s without it", t.Type),
		Remedy: "write the address of the scaler's Service, such as kafka-scaler.kafka-scaler:6000",
	}
}

// scalesByLatency reports whether the metric is the number of replicas that targetLatency asks for.
func (t Trigger) scalesByLatency() bool {
	return strings.TrimSpace(t.Metadata["targetLatency"]) != "" && strings.TrimSpace(t.Metadata["latencyMode"]) != "advise"
}

// KEDAs reports whether the trigger is one of KEDA's own, which this scaler answers in its place.
func (t Trigger) KEDAs() bool { return t.Type == "kafka" || t.Type == "apache-kafka" }

// types are the types of the triggers that this scaler can answer.
func types() []string { return []string{"external", "external-push", "kafka", "apache-kafka"} }

// Read returns the ScaledObjects and ScaledJobs that have a trigger for this
// scaler: those among the YAML documents of r, and among the items of a List, as
// kubectl prints one. file names it in errors. lookupEnv stands in for KEDA, see
// [Variable].
//
// What can be read is returned even where something else cannot. Each error is a
// *fault.Error of kind Invalid.
func Read(r io.Reader, file string, lookupEnv func(string) (string, bool)) ([]Scaled, error) {
	docs, err := documents(r)
	if err != nil {
		return nil, invalid(file, err, remedyFor(err))
	}
	found := finder{lookupEnv: lookupEnv}
	for i, raw := range docs {
		found.read(raw, fmt.Sprintf("%s, document %d", file, i+1))
		if found.objects > MaxObjects {
			return nil, invalid(file, tooMany(), remedyFor(tooMany()))
		}
	}
	if len(found.scaled) == 0 && found.failed == nil {
		return nil, nothing(file, found.others)
	}
	return found.scaled, found.failed
}

func remedyFor(err error) string {
	if bound := (*boundError)(nil); errors.As(err, &bound) {
		return "name a file with the ScaledObjects that you mean"
	}
	return "check the path and its permissions"
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

// finder collects what the documents of a file have.
type finder struct {
	lookupEnv func(string) (string, bool)
	scaled    []Scaled
	// others are the types of triggers that are not for this scaler, of objects that have no other.
	others []string
	// objects is how many documents and items there were.
	objects int
	failed  error
}

// read takes one document; place says where it stands.
func (f *finder) read(raw []byte, place string) {
	var d document
	if err := unmarshal(raw, &d); err != nil {
		f.objects++
		f.fail(invalid(place, err, "mend the YAML"))
		return
	}
	f.take(&d, place, 0)
}

func (f *finder) fail(err error) { f.failed = errors.Join(f.failed, err) }

// take takes one object, and those in it if it is a List.
func (f *finder) take(d *document, place string, depth int) {
	f.objects++
	switch {
	case f.objects > MaxObjects:
		return
	case depth > MaxListDepth:
		f.fail(invalid(place, fmt.Errorf("a List within %d Lists", MaxListDepth), "write the items of one List, or documents of their own"))
		return
	case d.problem != nil:
		f.fail(invalid(place, d.problem, "mend the YAML"))
		return
	case d.isList():
		for i := range d.Items {
			f.take(&d.Items[i], fmt.Sprintf("%s, item %d", place, i+1), depth+1)
		}
		return
	case !d.isScaled():
		return
	}
	s, err := d.scaled(f.lookupEnv)
	switch {
	case err != nil:
		f.fail(invalid(place+", "+s.String(), err, "quote the value: Kubernetes takes only strings in trigger metadata"))
	case len(s.Triggers) > 0:
		f.scaled = append(f.scaled, s)
	default:
		for _, t := range d.Spec.Triggers {
			f.others = append(f.others, strconv.Quote(t.Type))
		}
	}
}

func invalid(object string, err error, remedy string) error {
	return &fault.Error{Kind: fault.Invalid, Op: "read", Object: object, Err: err, Remedy: remedy}
}
