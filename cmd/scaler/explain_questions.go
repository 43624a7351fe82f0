package main

import (
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/internal/explanation"
	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// question is one trigger to explain.
type question struct {
	request *kafkascalerv1.ExplainRequest
	bounds  explanation.Bounds
	// source says where the trigger is written, for errors.
	source string
	// problem is why it is not asked.
	problem error
}

// questions are what the flags and arguments ask about.
func (f *explainFlags) questions(p process, args []string) ([]question, error) {
	switch {
	case len(args) == 1 && (f.file != "" || len(f.metadata) > 0):
		return nil, usagef("give one of -f, --set and NAMESPACE/NAME")
	case len(args) == 1:
		return f.named(args[0])
	case f.file != "":
		return f.fromFile(p)
	case len(f.metadata) > 0:
		return []question{{request: &kafkascalerv1.ExplainRequest{ScalerMetadata: f.replaceIn(f.metadata)}, source: "--set"}}, nil
	default:
		return nil, usagef("what is to be explained? give -f FILE, --set KEY=VALUE,... or NAMESPACE/NAME")
	}
}

func (f *explainFlags) named(object string) ([]question, error) {
	namespace, name, ok := strings.Cut(object, "/")
	if !ok || namespace == "" || name == "" {
		return nil, usagef("needs NAMESPACE/NAME (got %q)", object)
	}
	if f.scaler.address == "" {
		return nil, usagef("only a running scaler knows %s: give its --scaler-address, or the trigger with -f", object)
	}
	if f.cluster != "" || len(f.bootstrapServers) > 0 {
		return nil, usagef("--bootstrap-servers and --cluster belong to -f and --set: a running scaler knows the cluster of %s", object)
	}
	return []question{{request: &kafkascalerv1.ExplainRequest{Namespace: namespace, Name: name}, source: object}}, nil
}

func (f *explainFlags) fromFile(p process) ([]question, error) {
	scaled, err := readManifest(p, f.file)
	if err != nil {
		return nil, err
	}
	var questions []question
	for _, s := range scaled {
		for _, t := range s.Triggers {
			maps.Copy(t.Metadata, f.metadata)
			bounds := explanation.Bounds{Kind: s.Kind, Max: s.MaxReplicas, MetricType: t.MetricType}
			if t.KEDAs() && t.Metadata["compatibility"] != "keda" {
				bounds.Note = noteForKEDAs(t.Type, f.replaceIn(t.Metadata))
			}
			questions = append(questions, question{
				request: &kafkascalerv1.ExplainRequest{Name: s.Name, Namespace: s.Namespace, ScalerMetadata: f.replaceIn(t.Metadata)},
				bounds:  bounds,
				source:  fmt.Sprintf("%s %s/%s, trigger %d", s.Kind, s.Namespace, s.Name, t.Index),
				problem: t.Problem(),
			})
		}
	}
	return questions, nil
}

// noteForKEDAs says whose number it is that follows, and how to get KEDA's own, where that is possible: the mode
// knows one topic and one group, as KEDA's kafka trigger does.
func noteForKEDAs(kind string, metadata map[string]string) string {
	note := fmt.Sprintf("A trigger of type %s is answered by KEDA itself. This is what kafka-scaler would answer", kind)
	inItsMode := maps.Clone(metadata)
	inItsMode["compatibility"] = string(policy.KEDA)
	if _, err := trigger.Parse(inItsMode); err != nil {
		return note + "."
	}
	return note + "; add --set compatibility=keda for KEDA's own number."
}

// readManifest reads a file of ScaledObjects, or standard input.
func readManifest(p process, path string) ([]manifest.Scaled, error) {
	getenv := func(name string) string { value, _ := p.lookupEnv(name); return value }
	if path == "-" {
		return manifest.Read(p.stdin, "standard input", getenv)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return manifest.Read(file, path, getenv)
}
