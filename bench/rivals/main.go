// Command rivals builds triggers with KEDA's own Kafka scalers, evaluates them
// round after round, as keda-operator does, and says what that has cost. It is a
// program and a module of its own, because KEDA's scalers are heavy to build and
// because its memory and connections must be theirs alone.
//
// It reads a [job] as JSON from standard input and writes a [result] as JSON to
// standard output.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/kedacore/keda/v2/pkg/scalers"
	"github.com/kedacore/keda/v2/pkg/scalers/scalersconfig"
	v2 "k8s.io/api/autoscaling/v2"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "rivals:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	logf.SetLogger(logr.Discard())
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(j.LimitSeconds*float64(time.Second)))
	defer cancel()
	r, err := j.run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// job says what to do. Trigger i is about group i, which reads topic i modulo Topics.
type job struct {
	// Scaler is kafka, kafka-lean (with fullMetadata: false) or apache-kafka.
	Scaler       string  `json:"scaler"`
	Bootstrap    string  `json:"bootstrap"`
	TopicFormat  string  `json:"topicFormat"`
	GroupFormat  string  `json:"groupFormat"`
	Triggers     int     `json:"triggers"`
	Topics       int     `json:"topics"`
	Rounds       int     `json:"rounds"`
	Parallel     int     `json:"parallel"`
	LimitSeconds float64 `json:"limitSeconds"`
}

// result says what it cost.
type result struct {
	// BareRSS is the resident memory in bytes before the first trigger.
	BareRSS int64 `json:"bareRSS"`
	Build   round `json:"build"`
	// Rounds are those that were finished within the limit.
	Rounds []round `json:"rounds"`
	// Stopped says why there are not as many as were asked for; empty where there are.
	Stopped string `json:"stopped"`
}

// round is one evaluation of all triggers, or the making of them.
type round struct {
	WallMS      float64 `json:"wallMS"`
	CPUMS       float64 `json:"cpuMS"`
	RSS         int64   `json:"rss"`
	Connections int     `json:"connections"`
	Done        int     `json:"done"`
	Errors      int     `json:"errors"`
	// FirstError is the text of one error.
	FirstError string `json:"firstError,omitempty"`
	// Sum is that of the values, in records.
	Sum int64 `json:"sum"`
}

func (j job) run(ctx context.Context) (*result, error) {
	r := &result{BareRSS: rss()}
	triggers := make([]scalers.Scaler, j.Triggers)
	r.Build = j.each(ctx, func(i int) (int64, error) {
		s, err := j.build(ctx, i)
		triggers[i] = s
		return 0, err
	})
	if r.Build.Errors > 0 || r.Build.Done < j.Triggers {
		r.Stopped = fmt.Sprintf("made %d of %d triggers: %s", r.Build.Done-r.Build.Errors, j.Triggers, why(ctx, r.Build))
		return r, nil
	}
	for range j.Rounds {
		one := j.each(ctx, func(i int) (int64, error) { return evaluate(ctx, triggers[i]) })
		r.Rounds = append(r.Rounds, one)
		if one.Done < j.Triggers {
			r.Stopped = fmt.Sprintf("evaluated %d of %d triggers: %s", one.Done, j.Triggers, why(ctx, one))
			break
		}
	}
	// The triggers are not closed one by one: the process ends, and with it what they hold.
	return r, nil
}

func why(ctx context.Context, r round) string {
	if ctx.Err() != nil {
		return "the time was up"
	}
	return r.FirstError
}

// build makes a trigger as keda-operator does from a ScaledObject.
func (j job) build(ctx context.Context, i int) (scalers.Scaler, error) {
	metadata := map[string]string{
		"bootstrapServers": j.Bootstrap,
		"topic":            fmt.Sprintf(j.TopicFormat, i%j.Topics),
		"consumerGroup":    fmt.Sprintf(j.GroupFormat, i),
		"lagThreshold":     "10",
		"version":          "2.8.0",
	}
	if j.Scaler == "kafka-lean" {
		metadata["fullMetadata"] = "false"
	}
	config := &scalersconfig.ScalerConfig{
		ScalableObjectName: fmt.Sprintf("object-%d", i), ScalableObjectNamespace: "default", ScalableObjectType: "ScaledObject",
		GlobalHTTPTimeout: 3 * time.Second, TriggerMetadata: metadata, AuthParams: map[string]string{}, MetricType: v2.AverageValueMetricType,
	}
	if j.Scaler == "apache-kafka" {
		return scalers.NewApacheKafkaScaler(ctx, config)
	}
	return scalers.NewKafkaScaler(ctx, config)
}

func evaluate(ctx context.Context, s scalers.Scaler) (int64, error) {
	values, _, err := s.GetMetricsAndActivity(ctx, "bench")
	if err != nil || len(values) == 0 {
		return 0, err
	}
	return values[0].Value.Value(), nil
}

// each does something for every trigger, so many at a time, until ctx ends.
func (j job) each(ctx context.Context, do func(i int) (int64, error)) round {
	var r round
	var mu sync.Mutex
	var working sync.WaitGroup
	next := make(chan int)
	began, before := time.Now(), cpu()
	for range j.Parallel {
		working.Go(func() {
			for i := range next {
				value, err := do(i)
				mu.Lock()
				if ctx.Err() == nil {
					r.Done++
				}
				r.Sum += value
				if err != nil {
					r.Errors++
					r.FirstError = err.Error()
				}
				mu.Unlock()
			}
		})
	}
	for i := 0; i < j.Triggers && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	// KEDA's scalers do not all end with their context. What is unfinished then counts for nothing.
	ended := make(chan struct{})
	go func() { working.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	r.WallMS, r.CPUMS = ms(time.Since(began)), ms(cpu()-before)
	r.RSS, r.Connections = rss(), connections()
	return r
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
