// Package rival runs KEDA's own Kafka scalers, in a process of their own, on the
// same brokers and groups.
package rival

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/kafka-scaler/kafka-scaler/bench/scene"
)

// The rivals.
const (
	// Kafka is KEDA's kafka scaler (sarama); KafkaLean the same with fullMetadata: false.
	Kafka     = "kafka"
	KafkaLean = "kafka-lean"
	// ApacheKafka is KEDA's apache-kafka scaler (kafka-go).
	ApacheKafka = "apache-kafka"
)

// All are the rivals, and what they are called in tables.
func All() []string { return []string{Kafka, KafkaLean, ApacheKafka} }

// parallel is how many triggers are evaluated at a time.
const parallel = 8

// Round is one evaluation of all triggers, or the making of them.
type Round struct {
	WallMS      float64 `json:"wallMS"`
	CPUMS       float64 `json:"cpuMS"`
	RSS         int64   `json:"rss"`
	Connections int     `json:"connections"`
	Done        int     `json:"done"`
	Errors      int     `json:"errors"`
	FirstError  string  `json:"firstError,omitempty"`
	Sum         int64   `json:"sum"`
}

// Result is what the triggers have cost.
type Result struct {
	BareRSS int64   `json:"bareRSS"`
	Build   Round   `json:"build"`
	Rounds  []Round `json:"rounds"`
	// Stopped says why there are fewer rounds than were asked for.
	Stopped string `json:"stopped"`
}

// Last is the newest round, be it unfinished.
func (r Result) Last() Round {
	if len(r.Rounds) == 0 {
		return r.Build
	}
	return r.Rounds[len(r.Rounds)-1]
}

// Job says what to run.
type Job struct {
	Scaler   string
	Cluster  *scene.Cluster
	Triggers int
	Rounds   int
	// Limit is when to stop, finished or not.
	Limit time.Duration
}

// Run runs the job.
func (j Job) Run(ctx context.Context, binary string) (Result, error) {
	var r Result
	question, err := json.Marshal(map[string]any{
		"scaler": j.Scaler, "bootstrap": strings.Join(j.Cluster.Bootstrap, ","),
		"topicFormat": scene.TopicFormat, "groupFormat": scene.GroupFormat,
		"triggers": j.Triggers, "topics": j.Cluster.Topics, "rounds": j.Rounds, "parallel": parallel, "limitSeconds": j.Limit.Seconds(),
	})
	if err != nil {
		return r, err
	}
	// It ends by itself at the limit; here is what happens if it does not.
	ctx, cancel := context.WithTimeout(ctx, j.Limit+30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Stdin = bytes.NewReader(question)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	if err != nil {
		return r, fmt.Errorf("%s with %d triggers: %w\n%s", j.Scaler, j.Triggers, err, tail(stderr.Bytes()))
	}
	return r, nil
}

func tail(b []byte) []byte { return b[max(0, len(b)-2000):] }

// Binary returns the program with the rivals, built from the module at dir where
// the cache does not have it: some ten minutes of CPU the first time.
func Binary(ctx context.Context, dir string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder: %w", err)
	}
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOARCH)
	for _, name := range []string{"go.mod", "go.sum", "main.go", "process.go"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		sum.Write(content)
	}
	binary := filepath.Join(base, "kafka-scaler", "rivals-"+hex.EncodeToString(sum.Sum(nil))[:16])
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(binary + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(binary); !errors.Is(err, os.ErrNotExist) {
		return binary, err
	}
	fmt.Fprintln(os.Stderr, "bench: building KEDA's scalers (cached afterwards)")
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", binary+".partial", ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the rivals: %w\n%s", err, out)
	}
	return binary, os.Rename(binary+".partial", binary)
}

func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}
