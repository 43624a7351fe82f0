// Package explain is the command explain: why a trigger asks for N replicas.
package explain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/target"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/wiring"
	"github.com/kafka-scaler/kafka-scaler/internal/explanation"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// timeout bounds everything that one answer takes.
const timeout = 15 * time.Second

type flags struct {
	cluster  target.Cluster
	output   cli.Output
	files    target.Files
	metadata map[string]string
	scaler   scalerFlags
}

// New returns the command.
func New(p cli.Process) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "explain [NAMESPACE/NAME]",
		Short: "Show why a trigger asks for N replicas",
		Long: `Show why a trigger asks for N replicas: every partition with its offsets, every
rule with before, after and reason, and what the HPA makes of the number.

What is explained is either of
  -f FILE              the triggers of the ScaledObjects and ScaledJobs in a file,
                       KEDA's own kafka and apache-kafka triggers included
  --set KEY=VALUE,...  one trigger, its metadata given here
  NAMESPACE/NAME       what KEDA has asked a running scaler about

Who answers is the scaler at --scaler-address, from the same memory as KEDA's
calls, or, without that flag, this command itself, straight from Kafka.
Environment variables that a FILE names with FromEnv are taken from the
environment of this command.`,
		Example: `  kafka-scaler explain -f scaledobject.yaml --config config.yaml
  kafka-scaler explain --set bootstrapServers=kafka:9092,consumerGroup=g,topic=orders
  kafka-scaler explain shop/orders --scaler-address kafka-scaler:6000 -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), p, args) },
	}
	f.cluster.Add(c.Flags())
	f.output.Add(c.Flags())
	f.scaler.add(c.Flags())
	f.files.Add(c.Flags())
	c.Flags().StringToStringVar(&f.metadata, "set", nil, "`KEY=VALUE,...` of trigger metadata; adds to -f and wins over it")
	cli.AddEnvironment(c.Flags())
	return c
}

func (f *flags) run(ctx context.Context, p cli.Process, args []string) error {
	if err := errors.Join(f.cluster.Usage(), f.files.Usage(), f.scaler.usage()); err != nil {
		return err
	}
	questions, err := f.questions(p, args)
	if err != nil {
		return err
	}
	ask, closeAsk, err := f.answerer(ctx, p)
	if err != nil {
		return err
	}
	defer closeAsk()
	answers, failed := askAll(ctx, questions, ask)
	if err := f.show(p.Stdout, answers); err != nil {
		return err
	}
	return errors.Join(failed, unanswered(answers))
}

// maxAsked is how many questions are asked at the same time: a List may have thousands, and those that wait
// together are read together. A running scaler answers twice as many.
const maxAsked = 16

// askAll returns the answers in the order of the questions.
func askAll(ctx context.Context, questions []question, ask askFunc) (answers []answer, failed error) {
	answered := make([][]answer, len(questions))
	errs := make([]error, len(questions))
	var asking errgroup.Group
	asking.SetLimit(maxAsked)
	for i := range questions {
		asking.Go(func() error {
			answered[i], errs[i] = questions[i].ask(ctx, ask)
			return nil
		})
	}
	_ = asking.Wait() // errs has them all
	return slices.Concat(answered...), errors.Join(errs...)
}

type answer struct {
	*kafkascalerv1.Explanation
	subject explanation.Subject
}

func (f *flags) show(w io.Writer, answers []answer) error {
	all := make([]map[string]any, len(answers))
	for i, a := range answers {
		all[i] = explanation.JSON(a.Explanation, a.subject)
	}
	return f.output.Write(w, all, func(w io.Writer) error {
		for i, a := range answers {
			if i > 0 {
				fmt.Fprintln(w)
			}
			if err := explanation.Print(w, a.Explanation, a.subject); err != nil {
				return err
			}
		}
		return nil
	})
}

// unanswered is an error where a lag is not known, so that scripts see it.
func unanswered(answers []answer) error {
	n := 0
	for _, a := range answers {
		if a.GetError() != "" {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("the lag of %d of %d triggers is not known", n, len(answers))
}

// askFunc is the Explain RPC, local or remote.
type askFunc func(context.Context, *kafkascalerv1.ExplainRequest) (*kafkascalerv1.ExplainResponse, error)

// answerer returns who answers: the running scaler, or the product's own server in this process.
func (f *flags) answerer(ctx context.Context, p cli.Process) (ask askFunc, end func(), err error) {
	if f.scaler.address != "" {
		return f.scaler.dial()
	}
	cfg, err := f.cluster.Load()
	if err != nil {
		return nil, nil, err
	}
	here, err := wiring.Start(ctx, cfg, p)
	if err != nil {
		return nil, nil, err
	}
	return here.Explain, here.Stop, nil
}

// scalerFlags say how a running scaler is reached.
type scalerFlags struct{ address, ca, cert, key string }

func (s *scalerFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&s.address, "scaler-address", "", "ask the running scaler at `HOST:PORT`")
	flags.StringVar(&s.ca, "scaler-ca-file", "", "PEM `FILE` of the authorities that signed the scaler's certificate; turns TLS on")
	flags.StringVar(&s.cert, "scaler-cert-file", "", "PEM `FILE` of the client certificate that the scaler asks for")
	flags.StringVar(&s.key, "scaler-key-file", "", "PEM `FILE` of its key")
}

// usage returns what is wrong with the flags together.
func (s *scalerFlags) usage() error {
	if s.address != "" {
		return nil
	}
	for _, f := range []struct{ name, value string }{{"--scaler-ca-file", s.ca}, {"--scaler-cert-file", s.cert}, {"--scaler-key-file", s.key}} {
		if f.value != "" {
			return cli.Usagef("%s belongs to --scaler-address", f.name)
		}
	}
	return nil
}

func hasAny(values ...string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return v != "" })
}
