package main

import (
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/metrics"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaler"
)

// beyondFirstRead is how much longer an RPC may take than the direct read that it waits for.
const beyondFirstRead = 2 * time.Second

// newServer returns the gRPC server over the clusters.
func newServer(c config.Config, set *clusters.Set, m *metrics.Metrics, log *zap.Logger) (*scaler.Server, error) {
	creds, err := serverCredentials(c.GRPC.TLS)
	if err != nil {
		return nil, err
	}
	return scaler.NewServer(scaler.Options{
		Clusters:    scaler.ClustersFunc(set.Resolve),
		Logger:      log,
		Observer:    m,
		Registerer:  m.Registry,
		Credentials: creds,
		Deadline:    max(scaler.DefaultDeadline, c.Refresh.FirstReadTimeout+beyondFirstRead),
		// That of GOMEMLIMIT: a negative number changes nothing.
		MemoryLimit: debug.SetMemoryLimit(-1),
	})
}
