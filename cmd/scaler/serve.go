package main

import (
	"context"
	"errors"
	"time"

	"github.com/oklog/run"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	// A container image may have no certificate authorities of its own. Where the system has some, they win.
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/wiring"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/metrics"
)

func newServe(p cli.Process) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Answer KEDA",
		Long: `Answer KEDA over gRPC, and serve metrics and health over HTTP, until SIGTERM or
SIGINT. A second signal ends the process at once. SIGHUP reads the configuration
file again, as does every change of it.

Every key of the configuration file, with its default, is in
docs/reference-config.yaml.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), p, f.watcher(cmd.Flags())) },
	}
	f.add(c.Flags())
	return c
}

// serve builds everything from the leaves up and runs it until a signal or ctx
// ends it. Whatever it starts has ended when it returns.
func serve(ctx context.Context, p cli.Process, watcher *config.Watcher) error {
	cfg, err := firstConfig(watcher)
	if err != nil {
		return err
	}
	log, level, limit := newLogger(p.Stderr, cfg.Log)
	build := readBuild()
	m := metrics.New(metrics.Build{Version: build.Version, Revision: build.Revision, GoVersion: build.GoVersion})
	m.ConfigLoaded(time.Now())

	set, err := wiring.NewClusters(cfg, p, m, log, wiring.ServeConfiguration)
	if err != nil {
		return err
	}
	creds, err := serverCredentials(cfg.GRPC.TLS)
	if err != nil {
		return err
	}
	server, err := wiring.NewServer(cfg, creds, set, m, log)
	if err != nil {
		return err
	}
	listeners, err := listen(ctx, cfg)
	if err != nil {
		return err
	}
	var group run.Group
	addSignals(ctx, &group, log)
	addLogLimit(&group, limit)
	if watcher.Path != "" {
		r := reloader{started: cfg, set: set, level: level, metrics: m, log: log, path: watcher.Path}
		watcher.Apply, watcher.Reloaded = r.apply, r.done
		addWatcher(&group, watcher)
	}
	addServers(&group, server, set, listeners, &pages{gatherer: m.Registry, log: log})
	log.Info("kafka-scaler is serving", zap.String("version", build.Version),
		zap.Stringer("grpcAddress", listeners.grpc.Addr()), zap.Stringer("httpAddress", listeners.http.Addr()),
		zap.Strings("clusters", wiring.ClusterNames(cfg)), zap.String("config", watcher.Path))
	if watcher.Path == "" {
		log.Warn("no --config: any bootstrapServers in a trigger is accepted; for trying out only")
	}
	if err := group.Run(); !errors.Is(err, errStop) {
		return err
	}
	log.Info("kafka-scaler has stopped")
	return nil
}
