package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/deployed"
	"github.com/kafka-scaler/kafka-scaler/internal/procfs"

	"github.com/kafka-scaler/kafka-scaler/bench/device"
	"github.com/kafka-scaler/kafka-scaler/bench/load"
	"github.com/kafka-scaler/kafka-scaler/bench/measure"
	"github.com/kafka-scaler/kafka-scaler/bench/report"
	"github.com/kafka-scaler/kafka-scaler/bench/rival"
	"github.com/kafka-scaler/kafka-scaler/bench/scene"
)

// session is one run of the benchmark.
type session struct {
	flags
	result *report.Result
	lab    *measure.Lab
	began  time.Time
}

// quiet is how long a point is measured while nobody asks.
const quiet = 12 * time.Second

func (r *session) all(ctx context.Context) error {
	r.began = time.Now()
	dir, err := os.MkdirTemp("", "kafka-scaler-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := r.prepare(ctx, dir); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{partReal, r.real}, {partGrowth, r.growth}, {partBadDays, r.badDays}} {
		if !r.runs(part.name) && (part.name != partReal || !r.runs(partRivals)) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		// A later part that fails takes nothing away.
		r.result.Took = time.Since(r.began)
		if err := r.result.Write(r.out); err != nil {
			return err
		}
	}
	return nil
}

func (r *session) prepare(ctx context.Context, dir string) error {
	limits, err := deployed.ReadLimits(filepath.Join(r.root, "deploy", "scaler.yaml"))
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	pace := load.KEDAsPace()
	// 10,000 objects make 2,000 calls a second. Fewer make as many.
	pace.Poll = pace.Poll * time.Duration(r.objects) / 10_000
	pace.HPA = pace.HPA * time.Duration(r.objects) / 10_000
	r.lab = &measure.Lab{Self: self, Dir: dir, Limits: limits, Window: quiet, Pace: pace}
	if r.profile != "" {
		if r.lab.Profile, err = filepath.Abs(r.profile); err != nil {
			return err
		}
		if err := os.MkdirAll(r.lab.Profile, 0o755); err != nil {
			return err
		}
	}
	r.say("building the scaler")
	if r.lab.Binary, err = device.Build(ctx, r.root, dir, r.profile != ""); err != nil {
		return err
	}
	if r.runs(partRivals) || r.runs(partGrowth) {
		if r.lab.Rivals, err = rival.Binary(ctx, filepath.Join(r.root, "bench", "rivals")); err != nil {
			return err
		}
	}
	r.result.At = r.began
	r.result.Machine = report.Machine{CPU: processor(), Cores: runtime.NumCPU(), Go: runtime.Version(), Commit: commit(ctx, r.root), Limits: limits}
	return nil
}

func (r *session) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench %4.0fs load %4.1f: %s\n", time.Since(r.began).Seconds(), procfs.LoadAverage(), fmt.Sprintf(format, args...))
}

// add takes in a point, in the place of an older one.
func (r *session) add(p measure.Point) {
	r.say("%s with %d triggers, %d %s: CPU %.0f ms, wall %.0f ms, requests %.1f, %d connections, %d MiB %s",
		p.Who, p.Triggers, p.X, p.Axis, p.CPUMS, p.WallMS, p.Requests, p.Connections, p.RSS>>20, p.Stopped)
	r.result.Points = slices.DeleteFunc(r.result.Points, func(o measure.Point) bool {
		return o.Who == p.Who && o.Axis == p.Axis && o.X == p.X
	})
	r.result.Points = append(r.result.Points, p)
}

// growth lets all contenders do the same work on more partitions and on more brokers.
func (r *session) growth(ctx context.Context) error {
	const triggers = 100
	sizes := []struct {
		axis string
		x    int
		size scene.Size
	}{
		{measure.ByPartitions, 1_000, scene.Size{Brokers: 3, Topics: 100, Partitions: 10, Groups: triggers}},
		{measure.ByPartitions, 10_000, scene.Size{Brokers: 3, Topics: 100, Partitions: 100, Groups: triggers}},
		{measure.ByPartitions, 100_000, scene.Size{Brokers: 3, Topics: 100, Partitions: 1_000, Groups: triggers}},
		{measure.ByBrokers, 3, scene.Size{Brokers: 3, Topics: 100, Partitions: 30, Groups: triggers}},
		{measure.ByBrokers, 15, scene.Size{Brokers: 15, Topics: 100, Partitions: 30, Groups: triggers}},
	}
	const limit = 30 * time.Second
	stopped := map[string]string{}
	for _, s := range sizes {
		r.say("kfake with %d brokers and %d partitions", s.size.Brokers, s.size.Topics*s.size.Partitions)
		if err := r.onFake(ctx, s.axis, s.x, s.size, triggers, limit, stopped); err != nil {
			return err
		}
	}
	return nil
}

func (r *session) onFake(ctx context.Context, axis string, x int, size scene.Size, triggers int, limit time.Duration, stopped map[string]string) error {
	cluster, err := scene.StartFake(ctx, size)
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Close() }()
	own, err := r.lab.Alone(ctx, cluster, axis, x, triggers)
	if err != nil {
		return err
	}
	r.add(own)
	for _, who := range rival.All() {
		if stopped[axis+who] != "" {
			continue
		}
		p := r.lab.Rival(ctx, who, cluster, axis, x, triggers, limit)
		stopped[axis+who] = p.Stopped
		r.add(p)
	}
	return ctx.Err()
}

func (r *session) badDays(ctx context.Context) error {
	r.result.BadDays = nil
	for _, day := range []func(context.Context) (measure.BadDay, error){r.lab.BlackHole, r.lab.SlowBroker} {
		d, err := day(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", d.What, err)
		}
		r.say("%s: %s", d.What, d.Seen)
		r.result.BadDays = append(r.result.BadDays, d)
	}
	return nil
}

// processor is the name of the CPU.
func processor() string {
	page, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(page)) {
			if name, found := strings.CutPrefix(line, "model name"); found {
				return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
			}
		}
	}
	return runtime.GOARCH
}

// commit is what is checked out, with a mark where files differ from it.
func commit(ctx context.Context, root string) string {
	cmd := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--exclude=*")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
