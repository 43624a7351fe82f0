package wiring

import (
	"context"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/metrics"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaler"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// Here is the scaler without its port, in this process: commands answer with the
// very code that answers KEDA.
type Here struct {
	// Set are its clusters.
	Set    *clusters.Set
	server *scaler.Server
	cancel context.CancelFunc
	ended  chan struct{}
}

// Start runs the scaler until it is stopped or ctx ends. It needs no certificate of
// the configuration: those are where the scaler runs.
func Start(ctx context.Context, cfg config.Config, p cli.Process) (*Here, error) {
	m := metrics.New(metrics.Build{})
	set, err := NewClusters(cfg, p, m, zap.NewNop(), commandConfiguration)
	if err != nil {
		return nil, err
	}
	server, err := NewServer(cfg, nil, set, m, zap.NewNop())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	h := &Here{Set: set, server: server, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(h.ended)
		_ = set.Run(ctx) // it ends with ctx, and without an error
	}()
	return h, nil
}

// Explain is the RPC of that name. The error says what its status says.
func (h *Here) Explain(ctx context.Context, req *kafkascalerv1.ExplainRequest) (*kafkascalerv1.ExplainResponse, error) {
	response, err := h.server.Explain(ctx, req)
	return response, cli.PlainStatus(err)
}

// Stop ends the scaler, and returns when all that it started has ended.
func (h *Here) Stop() {
	h.cancel()
	<-h.ended
}
