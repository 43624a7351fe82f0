package hostile

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/deployed"
	"github.com/kafka-scaler/kafka-scaler/internal/metricspage"
	"github.com/kafka-scaler/kafka-scaler/internal/proc"
	"github.com/kafka-scaler/kafka-scaler/internal/procfs"
)

const (
	startLimit = 30 * time.Second
	stopGrace  = 25 * time.Second
	pageLimit  = 10 * time.Second
	// user and password are for the brokers that ask for SCRAM.
	passwordVariable = "HOSTILE_PASSWORD"
)

// victim is the scaler under attack, a process of its own under the limits of its deployment.
type victim struct {
	process   *proc.Process
	grpc, web string
	log       string
	limits    deployed.Limits
	cage      *cage
}

// buildScaler builds the binary as it is released, into dir.
func buildScaler(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "kafka-scaler")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary,
		"github.com/kafka-scaler/kafka-scaler/cmd/scaler")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the scaler: %w\n%s", err, out)
	}
	return binary, nil
}

// startVictim starts the scaler with a configuration and returns when it is ready.
func startVictim(binary, dir, config string, limits deployed.Limits) (*victim, error) {
	v := &victim{log: filepath.Join(dir, "kafka-scaler.log"), limits: limits}
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	for _, address := range []*string{&v.grpc, &v.web} {
		port, err := proc.ReservePort()
		if err != nil {
			return nil, err
		}
		*address = port.Address()
		if err := port.Release(); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(binary, "serve", "--config", file, "--grpc-listen-address", v.grpc, "--http-listen-address", v.web)
	cmd.Env = append(limits.Env(), passwordVariable+"=pw")
	var err error
	if v.process, err = proc.Start("kafka-scaler", v.log, cmd); err != nil {
		return nil, err
	}
	v.cage = newCage(v.process.PID(), limits.Memory)
	if err := v.process.WaitReady(startLimit, func() error {
		_, err := v.page(context.Background(), "/readyz")
		return err
	}); err != nil {
		v.stop()
		return nil, err
	}
	return v, nil
}

func (v *victim) stop() {
	v.process.Stop(stopGrace)
	v.cage.open()
}

func (v *victim) page(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pageLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+v.web+path, http.NoBody)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, answer.Status)
	}
	return string(body), err
}

// State is what the victim uses at one time.
type State struct {
	RSS         int64 `json:"rss"`     // bytes, now
	PeakRSS     int64 `json:"peakRss"` // bytes, at most so far
	Heap        int64 `json:"heap"`    // bytes of live and dead objects, as the Go runtime counts them
	Goroutines  int   `json:"goroutines"`
	Descriptors int   `json:"descriptors"`
	Accepted    int   `json:"accepted"` // connections from clients
	Dialed      int   `json:"dialed"`   // connections to brokers
	Series      int   `json:"series"`   // on the metrics page
	Queries     int   `json:"queries"`  // in the refresh, of all clusters
	PageBytes   int   `json:"pageBytes"`
	LogBytes    int64 `json:"logBytes"`
	CPUSeconds  int   `json:"cpuSeconds"`
	Panics      int   `json:"panics"`
	// Waited is how many seconds its threads were ready to run and had no core: what the machine adds to latencies.
	Waited int `json:"waited"`
	// HandledP99 is, in milliseconds, by when 99 of 100 calls of GetMetricSpec had been handled, anybody's, as the
	// process itself has measured: an upper bound of a histogram's bucket. It waits for nothing but the processor.
	HandledP99 int `json:"handledP99"`
}

func (s State) String() string {
	return fmt.Sprintf("RSS %d MiB (peak %d), heap %d MiB, %d goroutines, %d descriptors, %d accepted and %d dialed connections, %d series in %d KB, %d queries, %d KB of log, %d s CPU and %d s waiting for one, GetMetricSpec handled p99 <= %d ms",
		s.RSS>>20, s.PeakRSS>>20, s.Heap>>20, s.Goroutines, s.Descriptors, s.Accepted, s.Dialed, s.Series, s.PageBytes>>10, s.Queries, s.LogBytes>>10, s.CPUSeconds, s.Waited, s.HandledP99)
}

// state looks at the process from outside, and at its metrics page.
func (v *victim) state(ctx context.Context) (State, error) {
	usage, err := procfs.Read(v.process.PID())
	if err != nil {
		return State{}, v.process.Failure("look at the scaler")
	}
	page, err := v.page(ctx, "/metrics")
	if err != nil {
		return State{}, fmt.Errorf("read the metrics page: %w", err)
	}
	m := metricspage.Parse(page)
	s := State{
		RSS: usage.RSS, PeakRSS: usage.PeakRSS, Descriptors: usage.Descriptors, Accepted: usage.Accepted,
		Heap: int64(m["go_memstats_heap_alloc_bytes"]), Goroutines: int(m["go_goroutines"]),
		Series: len(m), PageBytes: len(page), CPUSeconds: int(usage.CPU.Seconds()), Waited: int(usage.Waited.Seconds()),
	}
	if p99 := m.Quantile(0.99, "grpc_server_handling_seconds", `grpc_method="GetMetricSpec"`); p99 < 3600 {
		s.HandledP99 = int(p99 * 1000)
	}
	for series, value := range m {
		if strings.HasPrefix(series, "kafka_scaler_") && strings.Contains(series, "panics_total") {
			s.Panics += int(value)
		}
		if strings.HasPrefix(series, "kafka_scaler_queries{") {
			s.Queries += int(value)
		}
	}
	for _, n := range usage.Connections {
		s.Dialed += n
	}
	if info, err := os.Stat(v.log); err == nil {
		s.LogBytes = info.Size()
	}
	return s, nil
}
