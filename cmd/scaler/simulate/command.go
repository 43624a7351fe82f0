package simulate

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/report"
	"github.com/kafka-scaler/kafka-scaler/internal/terminal"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

const long = `Let scaling policies handle the arrivals of a consumer group's topics, or those of
a trace, one after the other, in a simulated group, and compare them: the share of
the records in time, what it costs in replica-hours, and how often the group is
disturbed.

The policies are targetLatency, KEDA's lagThreshold (yours, and the best of several
afterwards), ensureEvenDistributionOfPartitions, an HPA on CPU, arrivals over the
service rate, Flink's and Druid's autoscalers, bin packing, the formula of
Federator.ai's scripts, and a fixed number of replicas. The rivals are told the true
service rate; targetLatency has to learn it. Next to them is the clairvoyant plan,
which knows every arrival in advance: the bound that nobody can beat.

It also answers which lagThreshold to take, if it has to be one.

With GROUP, the arrivals of its partitions are read from their logs by time, minute
by minute, with at most 20 requests a second and broker: a day takes about two
minutes. Describe on the group and its topics is enough. Nothing is consumed, and
nothing is written. All partitions count as those of one topic.

A trace is a CSV file: the line "timestamp,rate", and then one sample a line with
the time in seconds and the records a second that arrive. Then nothing is read from
Kafka, and the same command line gives the same output.

The last 24 hours are scored; what is before them, targetLatency may know. What one
replica does is not in a log: give --service-rate.`

const example = `  kafka-scaler simulate orders-service --bootstrap-servers kafka:9092 --service-rate 40
  kafka-scaler simulate --trace orders.csv --service-rate 40 --partitions 24
  kafka-scaler simulate --trace orders.csv --target-latency 1m --lag-threshold 500 --svg orders.svg
  kafka-scaler simulate --trace orders.csv --rebalance kip848 --startup-delay 90s -o json`

// New returns the command. k is where a group's arrivals are read.
func New(p cli.Process, k Kafka) *cobra.Command {
	f := defaults()
	c := &cobra.Command{
		Use:     "simulate {GROUP | --trace FILE}",
		Short:   "Compare scaling policies on the arrivals of a group or a trace",
		Long:    long,
		Example: example,
		Args:    cobra.MaximumNArgs(1),
		// What is wrong with the flags is said before anything starts.
		PreRunE: func(cmd *cobra.Command, args []string) error { return f.check(args, cmd.Flags().Changed) },
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), p, k) },
	}
	f.add(c.Flags())
	k.Add(c.Flags())
	return c
}

func (f *flags) run(ctx context.Context, p cli.Process, k Kafka) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	bar := newBar(p.Stderr)
	c, err := f.compare(ctx, p, k, bar)
	bar.clear()
	if errors.Is(err, context.Canceled) {
		return &fault.Error{Kind: fault.Unavailable, Op: "simulate", Err: errors.New("interrupted before the end")}
	}
	if err != nil {
		return err
	}
	if f.svg != "" {
		if err := draw(f.svg, c); err != nil {
			return err
		}
	}
	return f.write(p.Stdout, c)
}

// compare reads the arrivals and lets all policies handle them.
func (f *flags) compare(ctx context.Context, p cli.Process, k Kafka, bar *bar) (*comparison.Comparison, error) {
	load, err := f.arrivals(ctx, p, k, bar)
	if err != nil {
		return nil, err
	}
	c, err := comparison.Do(ctx, f.setup(load), bar.show)
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "simulate", Object: f.object(), Err: err}
	}
	return c, err
}

func (f *flags) arrivals(ctx context.Context, p cli.Process, k Kafka, bar *bar) (load, error) {
	if f.group != "" {
		return f.readGroup(ctx, k, bar)
	}
	t, err := f.readTrace(p.Stdin)
	return load{trace: t, partitions: f.scenario.Partitions}, err
}

func (f *flags) write(w io.Writer, c *comparison.Comparison) error {
	switch f.output {
	case "json":
		return terminal.JSON(w, report.ValueOf(c, 0))
	case "yaml":
		return terminal.YAML(w, report.ValueOf(c, 0))
	case "csv":
		return report.ValueOf(c, 0).CSV(w)
	default:
		return report.Table(w, c, 0)
	}
}

func draw(path string, c *comparison.Comparison) error {
	file, err := os.Create(path)
	if err == nil {
		err = report.SVG(file, c, 0)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return &fault.Error{Kind: fault.Invalid, Op: "write the picture", Err: err, Remedy: "give --svg a file that can be written"}
	}
	return nil
}
