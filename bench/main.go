// Command bench loads a whole scaler process as a large KEDA would, lets KEDA's own
// Kafka scalers do the same work in the same run, and writes down what both cost.
// `make bench` runs it; README.md says how to read what it writes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/kafka-scaler/kafka-scaler/bench/load"
	"github.com/kafka-scaler/kafka-scaler/bench/report"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == "echo" {
		return load.Echo{}.Serve(ctx, os.Args[2])
	}
	return bench(ctx)
}

// The parts of a run.
const (
	partReal    = "real"
	partRivals  = "rivals"
	partGrowth  = "growth"
	partBadDays = "baddays"
)

type flags struct {
	root, out, docs, profile string
	objects                  int
	window                   time.Duration
	only                     string
	render                   bool
}

func (f *flags) parse() error {
	flag.StringVar(&f.root, "root", "..", "`FOLDER` of the repository")
	flag.StringVar(&f.out, "out", "out", "`FOLDER` for the results")
	flag.StringVar(&f.docs, "docs", "", "`FOLDER` whose performance.md gets the section; empty for none")
	flag.StringVar(&f.profile, "profile", "", "`FOLDER` for CPU and heap profiles and execution traces of the scaler, which costs it some CPU; empty for none")
	flag.IntVar(&f.objects, "objects", 10_000, "`NUMBER` of ScaledObjects at most; fewer are asked more often, so that calls a second stay the same")
	flag.DurationVar(&f.window, "window", 30*time.Second, "`TIME` of one window in which KEDA asks")
	flag.StringVar(&f.only, "only", "", "`PARTS` to run, with commas: real, rivals, growth, baddays; empty for all. What an earlier run left in -out stays")
	flag.BoolVar(&f.render, "render", false, "measure nothing, and write the pages again from the data in -out")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flag.Arg(0))
	}
	known := []string{partReal, partRivals, partGrowth, partBadDays}
	for _, part := range f.parts() {
		if !slices.Contains(known, part) {
			return fmt.Errorf("-only: %q is none of %v", part, known)
		}
	}
	if f.objects < 1 || f.window < time.Second {
		return errors.New("-objects must be at least 1 and -window 1s")
	}
	return nil
}

func (f *flags) parts() []string {
	if f.only == "" {
		return []string{partReal, partRivals, partGrowth, partBadDays}
	}
	return strings.Split(f.only, ",")
}

func (f *flags) runs(part string) bool { return slices.Contains(f.parts(), part) }

func bench(ctx context.Context) error {
	var f flags
	if err := f.parse(); err != nil {
		return err
	}
	r, err := report.Read(f.out)
	if errors.Is(err, os.ErrNotExist) && !f.render {
		r, err = &report.Result{}, nil
	}
	if err != nil {
		return fmt.Errorf("read what is in %s: %w", f.out, err)
	}
	if !f.render {
		if f.only == "" {
			r = &report.Result{}
		} else if !r.At.IsZero() {
			r.Notes = append(r.Notes, fmt.Sprintf("one run of everything: the last one measured %s, and what else is shown is of an earlier one, of commit %s", f.only, r.Machine.Commit))
		}
		if err := (&session{flags: f, result: r}).all(ctx); err != nil {
			return err
		}
	}
	if err := r.Write(f.out); err != nil {
		return err
	}
	if f.docs != "" {
		if err := r.WriteDocs(f.docs); err != nil {
			return err
		}
	}
	r.Page(os.Stdout, "growth.svg")
	return nil
}
