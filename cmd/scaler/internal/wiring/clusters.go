// Package wiring puts the scaler's parts together: for serve, and for the commands
// that answer as it does.
package wiring

import (
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/metrics"
)

// What errors call the configuration: that of the scaler, whose user may sit elsewhere, and that of a
// command, whose user can name another one.
const (
	ServeConfiguration   = "the scaler's configuration"
	commandConfiguration = "the configuration (--config FILE)"
)

// NewClusters returns the clusters of a configuration, observed by the metrics.
// configuration is what errors call it.
func NewClusters(c config.Config, p cli.Process, m *metrics.Metrics, log *zap.Logger, configuration string) (*clusters.Set, error) {
	set, err := clusters.New(c, clusters.Options{
		Logger:        log,
		LookupEnv:     p.LookupEnv,
		Configuration: configuration,
		// That of GOMEMLIMIT: a negative number changes nothing.
		MemoryLimit: debug.SetMemoryLimit(-1),
		Observe: func(name string) clusters.Observer {
			o := m.Cluster(name)
			return clusters.Observer{Kafka: o, Collector: o.Collector(), Close: o.Close}
		},
	})
	if err != nil {
		return nil, err
	}
	m.CountConnections(set.Connections)
	return set, nil
}

// OpenClusters returns the clusters of a configuration for a command that reads
// some of them for a while. Nothing is read before the caller runs the set.
func OpenClusters(c config.Config, p cli.Process) (*clusters.Set, error) {
	return NewClusters(c, p, metrics.New(metrics.Build{}), zap.NewNop(), commandConfiguration)
}

// ClusterNames are the names of the configuration's clusters, in its order.
func ClusterNames(c config.Config) []string {
	names := make([]string, len(c.Clusters))
	for i, cl := range c.Clusters {
		names[i] = cl.Name
	}
	return names
}
