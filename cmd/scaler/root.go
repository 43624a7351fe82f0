package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/check"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/explain"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, p cli.Process) int {
	root := newRoot(p)
	root.SetArgs(args)
	started := false
	eachCommand(root, func(c *cobra.Command) { prepare(c, p, &started) })
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	cli.PrintError(p.Stderr, err)
	// What fails before a command starts is the command line: flags, arguments, the command's name.
	if usage := (*cli.UsageError)(nil); errors.As(err, &usage) || !started {
		fmt.Fprintf(p.Stderr, "Run 'kafka-scaler --help' or 'kafka-scaler COMMAND --help' for usage.\n")
		return exitUsage
	}
	return exitFailure
}

// newRoot assembles the commands. A new command is one more line here.
func newRoot(p cli.Process) *cobra.Command {
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
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.AddCommand(
		newServe(p),
		newLag(p),
		check.New(p),
		explain.New(p),
		newSimulate(p),
		newVersion(p),
	)
	return root
}

// prepare makes a command read its flags' environment variables, and notes that it started.
func prepare(c *cobra.Command, p cli.Process, started *bool) {
	if c.RunE == nil {
		return
	}
	runE := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := cli.ReadEnvironment(cmd.Flags(), p.LookupEnv); err != nil {
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
