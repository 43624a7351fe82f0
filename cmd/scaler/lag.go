package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/target"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/wiring"
	"github.com/kafka-scaler/kafka-scaler/internal/grouplag"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
)

// readTimeout bounds everything that one look at a cluster takes.
const readTimeout = 15 * time.Second

type lagFlags struct {
	cluster   target.Cluster
	output    cli.Output
	topic     string
	noHeaders bool
	watch     bool
	interval  time.Duration
}

func newLag(p cli.Process) *cobra.Command {
	var f lagFlags
	c := &cobra.Command{
		Use:   "lag GROUP",
		Short: "Show a consumer group's lag, partition by partition",
		Long: `Show a consumer group's lag, partition by partition, read straight from Kafka:
the columns of Kafka's own consumer-groups tool, the log start offset, and the
state of each partition's lag:

  caught_up            nothing to do
  lagging              log end - committed
  no_commit            assigned, but nothing was ever committed: no lag is shown,
                       since the consumers' auto.offset.reset decides what it is
  commit_below_start   retention has removed records that the group had not
                       taken; the lag is what is left
  commit_past_end      the log ends before the commit: it was truncated, restored or
                       created again. No lag is shown, see NOTE
  unknown              could not be read, see ERROR`,
		Example: `  kafka-scaler lag orders-service --bootstrap-servers kafka:9092
  kafka-scaler lag orders-service --config config.yaml --cluster main --topic orders -o json
  kafka-scaler lag orders-service --config config.yaml --watch`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), p, args[0]) },
	}
	flags := c.Flags()
	f.cluster.Add(flags)
	f.output.Add(flags)
	flags.StringVar(&f.topic, "topic", "", "show this `TOPIC` only")
	flags.BoolVar(&f.noHeaders, "no-headers", false, "leave out the summary and the column headers of the table")
	flags.BoolVarP(&f.watch, "watch", "w", false, "show it again and again, until interrupted")
	flags.DurationVar(&f.interval, "interval", 2*time.Second, "`TIME` between two looks, with --watch")
	cli.AddEnvironment(flags)
	return c
}

func (f *lagFlags) run(ctx context.Context, p cli.Process, group string) error {
	if f.interval <= 0 {
		return cli.Usagef("--interval needs to be more than 0 (got %s)", f.interval)
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	client, err := open(f.cluster, p)
	if err != nil {
		return err
	}
	defer client.Close()
	if !f.watch {
		return f.show(ctx, p.Stdout, client, group)
	}
	return f.repeat(ctx, p, client, group)
}

// open returns a client of the cluster that the flags name.
func open(t target.Cluster, p cli.Process) (*kafka.Client, error) {
	cfg, err := t.Load()
	if err != nil {
		return nil, err
	}
	connection, err := t.Connection(cfg)
	if err != nil {
		return nil, err
	}
	set, err := wiring.OpenClusters(cfg, p)
	if err != nil {
		return nil, err
	}
	cluster, err := set.Resolve("", connection)
	if err != nil {
		return nil, err
	}
	return kafka.New(set.KafkaConfig(cluster), kafka.Options{})
}

func (f *lagFlags) show(ctx context.Context, w io.Writer, client *kafka.Client, group string) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	g, err := grouplag.Read(ctx, client, group, f.topic)
	if err != nil {
		return err
	}
	return f.output.Write(w, g, func(w io.Writer) error { return g.Table(w, !f.noHeaders) })
}

// repeat shows the group until ctx ends. What fails is shown and tried again:
// whoever watches a group wants to see it come back.
func (f *lagFlags) repeat(ctx context.Context, p cli.Process, client *kafka.Client, group string) error {
	const clearScreen = "\x1b[H\x1b[2J"
	for {
		if cli.IsTerminal(p.Stdout) {
			fmt.Fprint(p.Stdout, clearScreen)
		}
		if f.output.Value == "table" && !f.noHeaders {
			fmt.Fprintln(p.Stdout, time.Now().Format(time.TimeOnly))
		}
		if err := f.show(ctx, p.Stdout, client, group); err != nil && !errors.Is(err, context.Canceled) {
			cli.PrintError(p.Stderr, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(f.interval):
			fmt.Fprintln(p.Stdout)
		}
	}
}
