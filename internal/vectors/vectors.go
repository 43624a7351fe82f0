// Package vectors holds the reference cases of the scaling rules: partition lags and
// flags, and what KEDA's own `kafka` trigger and this scaler make of them. The tests of
// pkg/policy check the arithmetic against them, and the acceptance tests the running
// scaler, on real topics with real commits.
package vectors

import (
	_ "embed" // for vectors.txt
	"fmt"
	"strconv"
	"strings"
)

//go:embed vectors.txt
var text string

// Vector is one case. It holds for offsetResetPolicy latest.
type Vector struct {
	Name string
	// Lags are log end offset - committed offset of partitions 0, 1, ... of one topic. Below zero the
	// commit lies that far beyond the log end.
	Lags []int64
	// Threshold is lagThreshold.
	Threshold int64
	// Flags are further keys of the trigger's metadata, by KEDA's names. It may be nil.
	Flags map[string]string
	// KEDA is what `compatibility: keda` gives, Corrected what the default gives.
	KEDA, Corrected Outcome
}

// Outcome is what KEDA is told about the trigger.
type Outcome struct {
	// Value is the metric in records.
	Value int64
	// Replicas is ceil(Value / Threshold).
	Replicas int64
	Active   bool
}

// All returns the vectors, new ones at each call.
func All() []Vector {
	vectors, err := parse(text)
	if err != nil {
		panic(fmt.Sprintf("vectors.txt: %v", err)) // embedded, and parsed by this package's test
	}
	return vectors
}

func parse(text string) ([]Vector, error) {
	var vectors []Vector
	for n, line := range strings.Split(text, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if key == "name" {
			vectors = append(vectors, Vector{Name: value})
			continue
		}
		if len(vectors) == 0 {
			return nil, fmt.Errorf("line %d: want a name first", n+1)
		}
		if err := vectors[len(vectors)-1].set(key, value); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	return vectors, nil
}

func (v *Vector) set(key, value string) (err error) {
	switch key {
	case "lags":
		for field := range strings.FieldsSeq(value) {
			lag, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return err
			}
			v.Lags = append(v.Lags, lag)
		}
	case "lagThreshold":
		v.Threshold, err = strconv.ParseInt(value, 10, 64)
	case "flags":
		v.Flags = map[string]string{}
		for field := range strings.FieldsSeq(value) {
			name, setting, _ := strings.Cut(field, "=")
			v.Flags[name] = setting
		}
	case "keda":
		v.KEDA, err = parseOutcome(value)
	case "corrected":
		v.Corrected, err = parseOutcome(value)
	default:
		err = fmt.Errorf("unknown key %q", key)
	}
	return err
}

func parseOutcome(text string) (Outcome, error) {
	var o Outcome
	_, err := fmt.Sscanf(text, "value=%d replicas=%d active=%t", &o.Value, &o.Replicas, &o.Active)
	return o, err
}
