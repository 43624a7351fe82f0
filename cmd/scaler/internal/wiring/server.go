package wiring

import (
	"runtime/debug"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc/credentials"

	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/metrics"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaler"
)

// beyondFirstRead is how much longer an RPC may take than the direct read that it waits for.
const beyondFirstRead = 2 * time.Second

// A cluster has the history that targetLatency needs.
var _ scaledobject.Histories = (*clusters.Cluster)(nil)

// NewServer returns the gRPC server over the clusters. creds are its TLS, nil for none.
func NewServer(c config.Config, creds credentials.TransportCredentials, set *clusters.Set, m *metrics.Metrics, log *zap.Logger) (*scaler.Server, error) {
	return scaler.NewServer(scaler.Options{
		Clusters:    scaledobject.ClustersFunc(set.Resolve),
		Logger:      log,
		Observer:    m,
		Registerer:  m.Registry,
		Credentials: creds,
		Deadline:    max(scaler.DefaultDeadline, c.Refresh.FirstReadTimeout+beyondFirstRead),
		// That of GOMEMLIMIT: a negative number changes nothing.
		MemoryLimit: debug.SetMemoryLimit(-1),
	})
}
