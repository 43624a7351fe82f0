// Command backtest compares scaling policies over published traces: make backtest.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/backtest"
	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	g := backtest.Full()
	flags := flag.NewFlagSet("backtest", flag.ContinueOnError)
	directory := flags.String("traces", "", "directory of the trace files")
	page := flags.String("page", "", "page to put the tables into, between its markers")
	names := flags.String("only", "", "names of traces, separated by commas; all where it is empty")
	kinds := flags.String("policies", "", "policies, separated by commas; all where it is empty")
	parallel := flags.Int("parallel", runtime.GOMAXPROCS(0), "cases at a time")
	flags.IntVar(&g.Seeds, "seeds", g.Seeds, "seeds")
	flags.Float64Var(&g.ChangePrice, "change-price", g.ChangePrice, "replica-seconds that a change is worth")
	flags.Func("objectives", "latencies, separated by commas", func(text string) error {
		return list(text, &g.Objectives, time.ParseDuration)
	})
	flags.Func("protocols", "rebalance protocols, separated by commas", func(text string) error {
		return list(text, &g.Protocols, func(p string) (simulation.Protocol, error) { return simulation.Protocol(p), nil })
	})
	flags.Func("skews", "Zipf exponents of the partitions, separated by commas", func(text string) error {
		return list(text, &g.Skews, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *kinds != "" {
		_ = list(*kinds, &g.Kinds, func(k string) (comparison.Kind, error) { return comparison.Kind(k), nil })
	}
	var only []string
	if *names != "" {
		only = strings.Split(*names, ",")
	}
	var err error
	if g.Traces, err = backtest.Load(*directory, only...); err != nil {
		return err
	}
	summary := backtest.NewSummary(g)
	if err := g.Run(ctx, max(1, *parallel), func(c *backtest.Case) {
		summary.Add(c)
		backtest.Line(out, c)
	}); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := summary.Markdown(out); err != nil {
		return err
	}
	if *page != "" {
		return summary.WritePage(*page)
	}
	return nil
}

func list[T any](text string, into *[]T, parse func(string) (T, error)) error {
	*into = nil
	for part := range strings.SplitSeq(text, ",") {
		v, err := parse(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		*into = append(*into, v)
	}
	return nil
}
