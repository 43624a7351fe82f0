package main

import (
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/wiring"
	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/metrics"
)

// firstConfig returns the configuration to start with. Without a file, any
// address that a trigger brings is accepted.
func firstConfig(w *config.Watcher) (config.Config, error) {
	if w.Path != "" {
		return w.Start()
	}
	c := config.WithoutFile()
	w.Override(&c)
	if err := c.Validate(); err != nil {
		return config.Config{}, &fault.Error{Kind: fault.Invalid, Op: "read", Object: "flags and environment", Err: err}
	}
	return c, nil
}

// reloader puts a new configuration in force.
type reloader struct {
	// started is the configuration that the process started with.
	started config.Config
	set     *clusters.Set
	level   zap.AtomicLevel
	metrics *metrics.Metrics
	log     *zap.Logger
	path    string
}

func (r *reloader) apply(next config.Config) error {
	if err := r.set.Apply(next); err != nil {
		return err
	}
	r.level.SetLevel(logLevel(next.Log))
	for key, changed := range map[string]bool{
		"grpc":       next.GRPC != r.started.GRPC,
		"http":       next.HTTP != r.started.HTTP,
		"log.format": next.Log.Format != r.started.Log.Format,
	} {
		if changed {
			r.log.Warn("a changed part of the configuration needs a restart", zap.String("key", key))
		}
	}
	r.log.Info("configuration reloaded", zap.String("config", r.path), zap.Strings("clusters", wiring.ClusterNames(next)))
	return nil
}

func (r *reloader) done(err error) {
	r.metrics.ConfigReloaded(err, time.Now())
	if err != nil {
		r.log.Error("the new configuration is not valid; the old one stays in force", zap.String("config", r.path), zap.Error(err))
	}
}
