package main

import (
	"context"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/metrics"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaler"
)

// here is the scaler without its port, in this process: commands answer with the
// very code that answers KEDA.
type here struct {
	set    *clusters.Set
	server *scaler.Server
	// stop ends it, and returns when all that it started has ended.
	stop func()
}

// startHere runs the scaler until it is stopped or ctx ends.
func startHere(ctx context.Context, cfg config.Config, p process) (*here, error) {
	m := metrics.New(metrics.Build{})
	set, err := newClusters(cfg, p, m, zap.NewNop(), commandConfiguration)
	if err != nil {
		return nil, err
	}
	// It has no port, and needs no certificate for one: the files are where the scaler runs.
	cfg.GRPC.TLS = config.ServerTLS{}
	server, err := newServer(cfg, set, m, zap.NewNop())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = set.Run(ctx) // it ends with ctx, and without an error
	}()
	return &here{set: set, server: server, stop: func() { cancel(); <-ended }}, nil
}
