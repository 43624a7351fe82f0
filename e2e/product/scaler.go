package product

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/proc"
)

const (
	startLimit = 30 * time.Second
	stopGrace  = 30 * time.Second
)

// Scaler is the running product.
type Scaler struct {
	// Address is where KEDA asks it.
	Address string

	root, dir string
	binary    string
	http      string
	reserved  []*proc.Port
	process   *proc.Process
}

// Start builds the binary from the repository at root and runs `serve` with the
// configuration that [Config] makes for the brokers. Dir takes the binary, the
// configuration and the log.
func Start(ctx context.Context, root, dir string, bootstrap []string) (*Scaler, error) {
	s := &Scaler{root: root, dir: dir}
	if err := s.build(ctx); err != nil {
		return nil, err
	}
	config, err := Config(filepath.Join(root, "deploy", "scaler.yaml"), bootstrap)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.file("config.yaml"), config, 0o600); err != nil {
		return nil, err
	}
	for _, address := range []*string{&s.Address, &s.http} {
		port, err := proc.ReservePort()
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.reserved = append(s.reserved, port)
		*address = port.Address()
	}
	return s, s.Run()
}

// BinaryVariable is the environment variable that names a built kafka-scaler to
// test; without it the one to test is built from the sources.
const BinaryVariable = "E2E_SCALER_BINARY"

func (s *Scaler) build(ctx context.Context) error {
	if built := os.Getenv(BinaryVariable); built != "" {
		s.binary = built
		return nil
	}
	s.binary = s.file("kafka-scaler")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", s.binary, "./cmd/scaler")
	build.Dir = s.root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the scaler: %w\n%s", err, out)
	}
	return nil
}

// Run starts the process, which must not be running, on the addresses that it
// always has, and returns when it is ready.
func (s *Scaler) Run() error {
	p, err := proc.Start("kafka-scaler", s.Log(), exec.Command(s.binary, "serve", "--config", s.file("config.yaml"),
		"--grpc-listen-address", s.Address, "--http-listen-address", s.http, "--log-level", "debug"))
	if err != nil {
		return err
	}
	s.process = p
	return p.WaitReady(startLimit, func() error {
		_, err := s.page("/readyz")
		return err
	})
}

// Stop ends the process as Kubernetes does: SIGTERM, and SIGKILL if it takes too long.
func (s *Scaler) Stop() {
	if s.process != nil {
		s.process.Stop(stopGrace)
	}
}

// Close ends the process for good.
func (s *Scaler) Close() error {
	s.Stop()
	var errs []error
	for _, port := range s.reserved {
		errs = append(errs, port.Release())
	}
	s.reserved = nil
	return errors.Join(errs...)
}

// Kill ends the process at once.
func (s *Scaler) Kill() { s.process.Kill() }

// Running reports whether the process has not ended.
func (s *Scaler) Running() bool { return s.process != nil && s.process.Running() }

// Log is the file with what the process wrote, over all its restarts.
func (s *Scaler) Log() string { return s.file("kafka-scaler.log") }

// Metric sums all series of a metric whose labels contain each of the texts.
func (s *Scaler) Metric(name string, labels ...string) (float64, error) {
	page, err := s.page("/metrics")
	if err != nil {
		return 0, err
	}
	return sum(string(page), name, labels)
}

// Explain returns what `kafka-scaler explain` says about a ScaledObject, as JSON,
// asked of the running scaler.
func (s *Scaler) Explain(ctx context.Context, scaledObject []byte) (string, error) {
	file := s.file("explain.yaml")
	if err := os.WriteFile(file, scaledObject, 0o600); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, s.binary, "explain", "-f", file, "--scaler-address", s.Address, "-o", "json")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("kafka-scaler explain: %w\n%s", err, stderr.Bytes())
	}
	return string(out), nil
}

// Has reports whether the configuration's reference page knows a key: how a
// scenario finds out whether the product has a feature already.
func (s *Scaler) Has(key string) bool {
	page, err := os.ReadFile(filepath.Join(s.root, "docs", "reference-config.yaml"))
	return err == nil && strings.Contains(string(page), key+":")
}

func (s *Scaler) file(name string) string { return filepath.Join(s.dir, name) }

func (s *Scaler) page(path string) ([]byte, error) {
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get("http://" + s.http + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", path, answer.Status, body)
	}
	return body, nil
}
