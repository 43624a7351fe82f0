// Package rival runs KEDA's own Kafka scalers, in a process of their own, on the
// same brokers and groups.
package rival

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/buildcache"

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
	source := buildcache.Source{Name: "rivals", Dir: dir, Files: []string{"go.mod", "go.sum", "main.go", "process.go"}}
	return buildcache.Get(ctx, source, func(ctx context.Context, path string) error {
		fmt.Fprintln(os.Stderr, "bench: building KEDA's scalers (cached afterwards)")
		cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", path, ".")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build the rivals: %w\n%s", err, out)
		}
		return nil
	})
}
