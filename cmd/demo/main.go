// Command demo shows the scaler at work in a minute, with nothing to install: a
// Kafka broker in this process, records, consumers, the scaler's real binary, and
// KEDA's loop around it. See demo.go for the wiring.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // as a shell has it for SIGINT
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts := defaultOptions()
	started := false
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a consumer group being scaled from zero to its partitions and back",
		Long: `Watch a consumer group being scaled from zero to its partitions and back.

Without --bootstrap-servers, Kafka is a broker inside this process. Everything
else is real: the scaler's binary answers over gRPC, the consumers are a group,
and the replicas follow the rules of KEDA and the HPA.

The exit code is 0 if the group woke, grew to the partitions and not beyond, and
went back to zero; 1 if not.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.complete(); err != nil {
				return err
			}
			started = true
			screen := newScreen(stdout, opts.plain)
			defer screen.clear()
			return run(cmd.Context(), opts, screen)
		},
	}
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	opts.add(cmd.Flags())
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "Error: %v\n", err)
	switch {
	case errors.Is(err, errInterrupted) || ctx.Err() != nil:
		return exitInterrupted
	case !started:
		fmt.Fprintln(stderr, "Run with --help for usage.")
		return exitUsage
	default:
		return exitFailure
	}
}
