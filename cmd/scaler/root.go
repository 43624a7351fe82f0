package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/simulate"
	"github.com/kafka-scaler/kafka-scaler/internal/terminal"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// process is what the commands use of the process around them.
type process struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookupEnv      func(string) (string, bool)
}

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, p process) int {
	root := newRoot(p)
	root.SetArgs(args)
	started := false
	eachCommand(root, func(c *cobra.Command) { prepare(c, p, &started) })
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	printError(p.stderr, err)
	// What fails before a command starts is the command line: flags, arguments, the command's name.
	if usage := (*usageError)(nil); errors.As(err, &usage) || !started {
		fmt.Fprintf(p.stderr, "Run 'kafka-scaler --help' or 'kafka-scaler COMMAND --help' for usage.\n")
		return exitUsage
	}
	return exitFailure
}

// newRoot assembles the commands. A new command is one more line here.
func newRoot(p process) *cobra.Command {
	root := &cobra.Command{
		Use:   "kafka-scaler",
		Short: "Scale Kafka consumer groups with KEDA",
		Long: `kafka-scaler is an external scaler for KEDA: it tells KEDA how far Apache Kafka
consumer groups lag behind, and so how many replicas their workloads need.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		// Without a command there is nothing to do but to say what there is.
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.AddCommand(
		newServe(p),
		newLag(p),
		newCheck(p),
		newExplain(p),
		simulate.New(simulate.Streams{In: p.stdin, Out: p.stdout, Err: p.stderr, Watched: isTerminal(p.stderr)}),
		newVersion(p),
	)
	return root
}

// prepare makes a command read its flags' environment variables, and notes that it started.
func prepare(c *cobra.Command, p process, started *bool) {
	if c.RunE == nil {
		return
	}
	runE := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := readEnvironment(cmd.Flags(), p.lookupEnv); err != nil {
			return err
		}
		*started = true
		return runE(cmd, args)
	}
}

func eachCommand(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, do)
	}
}

// usageError is a mistake in the command line that a command finds itself.
type usageError struct{ problem string }

func (e *usageError) Error() string { return e.problem }

// usagef makes a command exit with the code for wrong usage.
func usagef(format string, args ...any) error {
	return &usageError{problem: fmt.Sprintf(format, args...)}
}

// printError writes an error for people: joined ones each on a line, and the problems of a configuration too.
func printError(w io.Writer, err error) {
	p := terminal.New(w)
	for _, err := range flatten(err) {
		problems := config.Problems(nil)
		if f := (*fault.Error)(nil); errors.As(err, &f) && errors.As(err, &problems) {
			p.Linef("Error: %s %s:", f.Op, f.Object)
			for _, problem := range problems {
				p.Linef("  %s", problem)
			}
			continue
		}
		p.Linef("Error: %s", err)
	}
}

// flatten returns the errors that were joined, none for nil.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	var texts []string
	for _, part := range joined.Unwrap() {
		all = append(all, flatten(part)...)
		texts = append(texts, part.Error())
	}
	// Others that wrap several errors have a text of their own.
	if strings.Join(texts, "\n") != err.Error() {
		return []error{err}
	}
	return all
}
