package explain

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/target"
	"github.com/kafka-scaler/kafka-scaler/internal/explanation"
	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// question is one trigger to explain.
type question struct {
	request *kafkascalerv1.ExplainRequest
	subject explanation.Subject
	// source says where the trigger is written, for errors.
	source string
	// problem is why it is not asked.
	problem error
}

// ask returns the answers to the question, as far as the subject makes them.
func (q *question) ask(ctx context.Context, ask askFunc) ([]answer, error) {
	if q.problem != nil {
		return nil, q.failed(q.problem)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	response, err := ask(ctx, q.request)
	if err != nil {
		return nil, q.failed(err)
	}
	var answers []answer
	for _, x := range response.GetExplanations() {
		explanation.Restate(x, q.subject)
		answers = append(answers, answer{x, q.subject})
	}
	return answers, nil
}

// failed says where the trigger is written that cannot be explained. Its cause may be a variable that only KEDA has.
func (q *question) failed(err error) error {
	for _, v := range q.subject.Trigger.Unset {
		err = fmt.Errorf("%w; %s; %s", err, v, v.Remedy())
	}
	if q.source == "" {
		return err
	}
	return fmt.Errorf("%s: %w", q.source, err)
}

// questions are what the flags and arguments ask about.
func (f *flags) questions(p cli.Process, args []string) ([]question, error) {
	switch {
	case len(args) == 1 && (f.files.Given() || len(f.metadata) > 0):
		return nil, cli.Usagef("give one of -f, --set and NAMESPACE/NAME")
	case len(args) == 1:
		return f.named(args[0])
	case f.files.Given():
		return f.fromFiles(p), nil
	case len(f.metadata) > 0:
		return []question{{request: &kafkascalerv1.ExplainRequest{ScalerMetadata: f.cluster.ReplaceIn(manifest.Trigger{Metadata: f.metadata}).Metadata}, source: "--set"}}, nil
	default:
		return nil, cli.Usagef("what is to be explained? give -f FILE, --set KEY=VALUE,... or NAMESPACE/NAME")
	}
}

func (f *flags) named(object string) ([]question, error) {
	namespace, name, ok := strings.Cut(object, "/")
	if !ok || namespace == "" || name == "" {
		return nil, cli.Usagef("needs NAMESPACE/NAME (got %q)", object)
	}
	if f.scaler.address == "" {
		return nil, cli.Usagef("only a running scaler knows %s: give its --scaler-address, or the trigger with -f", object)
	}
	if f.cluster.Named() {
		return nil, cli.Usagef("--bootstrap-servers and --cluster belong to -f and --set: a running scaler knows the cluster of %s", object)
	}
	return []question{{request: &kafkascalerv1.ExplainRequest{Namespace: namespace, Name: name}, source: object}}, nil
}

func (f *flags) fromFiles(p cli.Process) (questions []question) {
	for _, path := range f.files.Paths {
		scaled, err := target.ReadManifest(p, path)
		if err != nil {
			questions = append(questions, question{problem: err})
		}
		for i := range scaled {
			for _, t := range scaled[i].Triggers {
				questions = append(questions, f.fromTrigger(&scaled[i], t))
			}
		}
	}
	return questions
}

func (f *flags) fromTrigger(s *manifest.Scaled, t manifest.Trigger) question {
	maps.Copy(t.Metadata, f.metadata)
	t = f.cluster.ReplaceIn(t)
	return question{
		request: &kafkascalerv1.ExplainRequest{Name: s.Name, Namespace: s.Namespace, ScalerMetadata: t.Metadata},
		subject: explanation.Subject{Workload: s, Trigger: t, Notes: kedasOwn(t)},
		source:  fmt.Sprintf("%s, trigger %d", s, t.Index),
		problem: t.Problem(),
	}
}

// kedasOwn says of a trigger of KEDA's own whose number it is that is shown, and how to get KEDA's where that is
// possible: the mode has the rules of KEDA's kafka trigger, and knows one topic and one group as that does.
func kedasOwn(t manifest.Trigger) []string {
	const compatibility = "compatibility"
	compatible := t.Metadata[compatibility] != ""
	if !t.KEDAs() || compatible && t.Type == "kafka" {
		return nil
	}
	note := fmt.Sprintf("A trigger of type %s is answered by KEDA itself. ", t.Type)
	if compatible {
		return []string{note + "compatibility: keda has the rules of KEDA's kafka trigger, which are not quite those of this type."}
	}
	note += "This is what kafka-scaler would answer"
	inItsMode := maps.Clone(t.Metadata)
	inItsMode[compatibility] = string(policy.KEDA)
	_, err := trigger.Parse(inItsMode)
	switch {
	case err != nil:
		return []string{note + "."}
	case t.Type == "kafka":
		return []string{note + "; add --set compatibility=keda for KEDA's own number."}
	default:
		return []string{note + "; add --set compatibility=keda for the number of KEDA's kafka trigger, whose rules are not quite those of this type."}
	}
}
