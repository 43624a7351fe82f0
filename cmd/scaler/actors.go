package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/oklog/run"
	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaler"
)

// errStop is why everything stops when it was asked to.
var errStop = errors.New("asked to stop")

// addSignals stops the group at the first SIGTERM or SIGINT, or when ctx ends.
// From then on the signals do again what they do by default: end the process.
func addSignals(ctx context.Context, group *run.Group, log *zap.Logger) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	group.Add(func() error {
		defer signal.Stop(signals)
		select {
		case s := <-signals:
			signal.Stop(signals)
			log.Info("stopping: what is in flight is answered; a second signal ends the process at once", zap.Stringer("signal", s))
		case <-ctx.Done():
		}
		return errStop
	}, func(error) { cancel() })
}

// addLogLimit says now and then how many lines the log has left out.
func addLogLimit(group *run.Group, limit *logLimit) {
	ctx, cancel := context.WithCancel(context.Background())
	group.Add(func() error { return limit.run(ctx) }, func(error) { cancel() })
}

// addWatcher reloads the configuration on SIGHUP and when its file changes.
func addWatcher(group *run.Group, watcher *config.Watcher) {
	ctx, cancel := context.WithCancel(context.Background())
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	group.Add(func() error {
		defer signal.Stop(hangups)
		return watcher.Run(ctx, hangups)
	}, func(error) { cancel() })
}

// addServers runs what answers. When the group stops, readiness goes first. Then
// the calls in flight are answered, from clusters that are refreshed until that
// is done; those and the HTTP server end last.
func addServers(group *run.Group, server *scaler.Server, set *clusters.Set, l listeners, pages *pages) {
	draining, drain := context.WithCancel(context.Background())
	drained, end := context.WithCancel(context.Background())
	// The port is open, and the group begins with all actors at once.
	pages.ready.Store(true)
	group.Add(func() error {
		defer end()
		return server.Run(draining, l.grpc)
	}, func(error) {
		pages.ready.Store(false)
		drain()
	})
	group.Add(func() error { return set.Run(drained) }, func(error) {})
	group.Add(func() error { return pages.serve(drained, l.http) }, func(error) {})
}
