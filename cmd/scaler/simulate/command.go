package simulate

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/report"
	"github.com/kafka-scaler/kafka-scaler/internal/terminal"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Streams are what the command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Watched says that a person watches Err: only then is there a progress bar.
	Watched bool
}

const long = `Let scaling policies handle the arrivals of a trace, one after the other, in a
simulated consumer group, and compare them: the share of the records in time, what
it costs in replica-hours, and how often the group is disturbed.

The policies are targetLatency, KEDA's lagThreshold (yours, and the best of several
afterwards), ensureEvenDistributionOfPartitions, an HPA on CPU, arrivals over the
service rate, Flink's and Druid's autoscalers, bin packing, the formula of
Federator.ai's scripts, and a fixed number of replicas. The rivals are told the true
service rate; targetLatency has to learn it. Next to them is the clairvoyant plan,
which knows every arrival in advance: the bound that nobody can beat.

It also answers which lagThreshold to take, if it has to be one.

A trace is a CSV file: the line "timestamp,rate", and then one sample a line with
the time in seconds and the records a second that arrive. Its last 24 hours are
scored; what is before them, targetLatency may know. Nothing is read from Kafka or
Kubernetes. The same command line gives the same output.`

const example = `  kafka-scaler simulate --trace orders.csv --service-rate 40 --partitions 24
  kafka-scaler simulate --trace orders.csv --target-latency 1m --lag-threshold 500 --svg orders.svg
  kafka-scaler simulate --trace orders.csv --rebalance kip848 --startup-delay 90s -o json`

// New returns the command.
func New(s Streams) *cobra.Command {
	f := defaults()
	c := &cobra.Command{
		Use:     "simulate --trace FILE",
		Short:   "Compare scaling policies on the arrivals of a trace",
		Long:    long,
		Example: example,
		Args:    cobra.NoArgs,
		// What is wrong with the flags is said before anything starts.
		PreRunE: func(*cobra.Command, []string) error { return f.check() },
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), s) },
	}
	f.add(c.Flags())
	return c
}

func (f *flags) run(ctx context.Context, s Streams) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	t, err := f.read(s.In)
	if err != nil {
		return err
	}
	setup := f.setup(t)
	bar := newBar(s)
	c, err := comparison.Do(ctx, setup, bar.show)
	bar.clear()
	switch {
	case errors.Is(err, context.Canceled):
		return &fault.Error{Kind: fault.Unavailable, Op: "simulate", Err: errors.New("interrupted before the end")}
	case err != nil:
		return &fault.Error{Kind: fault.Invalid, Op: "simulate", Object: f.object(), Err: err}
	}
	if f.svg != "" {
		if err := draw(f.svg, c); err != nil {
			return err
		}
	}
	return f.write(s.Out, c)
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
