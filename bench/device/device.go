// Package device runs the scaler under test as a process of its own, with the
// limits that its deployment has.
package device

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/deployed"
	"github.com/kafka-scaler/kafka-scaler/internal/proc"
	"github.com/kafka-scaler/kafka-scaler/internal/procfs"
	"sigs.k8s.io/yaml"
)

const (
	startLimit = 60 * time.Second
	stopGrace  = 20 * time.Second
)

// Options say how to start the scaler.
type Options struct {
	// Clusters are bootstrap servers by the name of their cluster.
	Clusters map[string][]string
	// Interval is refresh.interval, and refresh.sleepInterval too, so that all is read so often; 0 leaves both to the scaler.
	Interval time.Duration
	Limits   deployed.Limits
	// CPUProfile is the file that takes a CPU profile of the whole run; empty for none. See [Build].
	CPUProfile string
}

// Scaler is the running process.
type Scaler struct {
	// Address is where it answers KEDA.
	Address string

	http    string
	process *proc.Process
	log     string
}

// Start starts the binary and returns when it is ready. Dir takes its files.
func Start(binary, dir string, o Options) (*Scaler, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, o.config(), 0o600); err != nil {
		return nil, err
	}
	s := &Scaler{log: filepath.Join(dir, "kafka-scaler.log")}
	var err error
	if s.Address, err = FreeAddress(); err != nil {
		return nil, err
	}
	if s.http, err = FreeAddress(); err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "serve", "--config", config, "--grpc-listen-address", s.Address, "--http-listen-address", s.http)
	cmd.Env = append(o.Limits.Env(), profileVariable+"="+o.CPUProfile)
	if s.process, err = proc.Start("kafka-scaler", s.log, cmd); err != nil {
		return nil, err
	}
	if err := s.process.WaitReady(startLimit, s.ready); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (o Options) config() []byte {
	var b strings.Builder
	if o.Interval > 0 {
		fmt.Fprintf(&b, "refresh:\n  interval: %s\n  sleepInterval: %[1]s\n", o.Interval)
	}
	b.WriteString("clusters:\n")
	for _, name := range slices.Sorted(maps.Keys(o.Clusters)) {
		fmt.Fprintf(&b, "  - name: %s\n    bootstrapServers: [%q]\n", name, strings.Join(o.Clusters[name], `", "`))
	}
	return []byte(strings.ReplaceAll(b.String(), `\"`, `"`))
}

// Stop ends the process.
func (s *Scaler) Stop() { s.process.Stop(stopGrace) }

// PID is the process.
func (s *Scaler) PID() int { return s.process.PID() }

// Usage is what the process has used.
func (s *Scaler) Usage() (procfs.Usage, error) { return procfs.Read(s.process.PID()) }

// Warnings are the distinct messages of warnings and errors in its log, each with how often it is there.
func (s *Scaler) Warnings() map[string]int {
	found := map[string]int{}
	content, err := os.ReadFile(s.log)
	if err != nil {
		return found
	}
	for line := range strings.Lines(string(content)) {
		var l struct{ Level, Msg string }
		if yaml.Unmarshal([]byte(line), &l) == nil && (l.Level == "warn" || l.Level == "error") {
			found[l.Msg]++
		}
	}
	return found
}

func (s *Scaler) ready() error {
	_, err := s.page("/readyz")
	return err
}

func (s *Scaler) page(path string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.http+path, http.NoBody)
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

// FreeAddress is a loopback address that nobody listens on.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
