package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
)

// options are the command line.
type options struct {
	bootstrap  []string
	topic      string
	group      string
	partitions int32
	duration   time.Duration
	scaler     string
	push       bool
	keep       bool
	plain      bool
}

func defaultOptions() *options {
	return &options{partitions: 6, duration: time.Minute, scaler: "bin/kafka-scaler"}
}

func (o *options) add(f *pflag.FlagSet) {
	f.StringSliceVar(&o.bootstrap, "bootstrap-servers", nil,
		"`HOST:PORT,...` of a real cluster with a plaintext listener; only the demo's own topic and group are made there, and deleted at the end")
	f.StringVar(&o.topic, "topic", "", "`NAME` of the topic, which must not exist (default orders, or a unique name on a real cluster)")
	f.StringVar(&o.group, "group", "", "`NAME` of the consumer group, which must not exist (default demo-workers, or a unique name on a real cluster)")
	f.Int32Var(&o.partitions, "partitions", o.partitions, "partitions of the topic, from 2 to 12")
	f.DurationVar(&o.duration, "duration", o.duration, "how long the story takes, from 15s; the clocks of KEDA and the HPA go with it")
	f.StringVar(&o.scaler, "scaler", o.scaler, "`FILE` of the scaler's binary (make build)")
	f.BoolVar(&o.push, "push", false, "use the trigger type external-push, whose stream wakes the workload between two polls")
	f.BoolVar(&o.keep, "keep", false, "keep everything running at the end, until Ctrl-C (default on a terminal)")
	f.BoolVar(&o.plain, "plain", false, "plain lines, as where the output is not a terminal")
}

// complete checks what was given and fills in the rest.
func (o *options) complete() error {
	switch {
	case o.partitions < 2 || o.partitions > 12:
		return fmt.Errorf("--partitions is %d: the demo's load fits 2 to 12", o.partitions)
	case o.duration < 15*time.Second:
		return fmt.Errorf("--duration is %s: a group needs at least 15s to come and go", o.duration)
	case o.scaler == "":
		return errors.New("--scaler is empty: it names the scaler's binary, which 'make build' makes")
	}
	unique := "-" + strings.ToLower(rand.Text()[:8])
	topic, group := "orders", "demo-workers"
	if len(o.bootstrap) > 0 {
		topic, group = "kafka-scaler-demo"+unique, "kafka-scaler-demo"+unique
	}
	if o.topic == "" {
		o.topic = topic
	}
	if o.group == "" {
		o.group = group
	}
	return nil
}

// The figures of the story. A member works off 30 records a second, so that one is enough for the
// trickle, the steady load needs two or three, and the burst more than there are partitions.
const (
	lagThreshold = 30
	maxReplicas  = 20
	serviceTime  = time.Second / 30
)

// clockFactor is how much faster the clocks of KEDA and the HPA run, so that the story fits its duration.
func (o *options) clockFactor() float64 { return 15 * float64(time.Minute) / float64(o.duration) }

// scaling is the ScaledObject of the demo at its real periods, as a user would write it.
func (o *options) scaling() kedaloop.Spec {
	s := kedaloop.DefaultSpec()
	s.CooldownPeriod = 120 * time.Second
	s.MaxReplicas = maxReplicas
	b := kedaloop.DefaultBehavior()
	b.ScaleDown.StabilizationWindow = 60 * time.Second
	s.Behavior = &b
	s.Push = o.push
	s.CallTimeout = 5 * time.Second
	return s
}

func (o *options) triggerType() string {
	if o.push {
		return "external-push"
	}
	return "external"
}
