package device

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// profileVariable names the file for a CPU profile, in a binary that was built for that.
const profileVariable = "KAFKA_SCALER_BENCH_CPUPROFILE"

// profiler is added to the scaler's main package, in memory only, to take a
// profile of a run: the product has no such door.
const profiler = `package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"runtime/trace"
	"syscall"
	"time"
)

// traced is how long an execution trace is taken: a few seconds are tens of megabytes.
const traced = 4 * time.Second

func init() {
	name := os.Getenv("` + profileVariable + `")
	if name == "" {
		return
	}
	begin, end := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(begin, syscall.SIGUSR1)
	signal.Notify(end, syscall.SIGUSR2)
	go func() {
		for i := 1; ; i++ {
			<-begin
			f, err := os.Create(fmt.Sprintf("%s-%d.cpu.prof", name, i))
			if err != nil || pprof.StartCPUProfile(f) != nil {
				return
			}
			if t, err := os.Create(fmt.Sprintf("%s-%d.trace", name, i)); err == nil && trace.Start(t) == nil {
				time.Sleep(traced)
				trace.Stop()
				t.Close()
			}
			<-end
			pprof.StopCPUProfile()
			f.Close()
			if f, err = os.Create(fmt.Sprintf("%s-%d.heap.prof", name, i)); err != nil {
				return
			}
			_ = pprof.Lookup("heap").WriteTo(f, 0)
			f.Close()
		}
	}()
}
`

// Build builds the scaler from the repository at root into dir and returns the
// binary's path: as it is released, or able to take profiles.
func Build(ctx context.Context, root, dir string, profiles bool) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "kafka-scaler")
	args := []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", binary}
	if profiles {
		source, overlay := filepath.Join(dir, "profiler.go"), filepath.Join(dir, "overlay.json")
		replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "cmd", "scaler", "zz_profiler.go"): source}})
		if err != nil {
			return "", err
		}
		for file, content := range map[string][]byte{source: []byte(profiler), overlay: replace} {
			if err := os.WriteFile(file, content, 0o600); err != nil {
				return "", err
			}
		}
		args = []string{"build", "-overlay", overlay, "-o", binary}
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/scaler")...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the scaler: %w\n%s", err, out)
	}
	return binary, nil
}
