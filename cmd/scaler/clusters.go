package main

import (
	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/metrics"
)

// What errors call the configuration: that of the scaler, whose user may sit elsewhere, and that of a
// command, whose user can name another one.
const (
	serveConfiguration   = "the scaler's configuration"
	commandConfiguration = "the configuration (--config FILE)"
)

// newClusters returns the clusters of a configuration, observed by the metrics.
// configuration is what errors call it.
func newClusters(c config.Config, p process, m *metrics.Metrics, log *zap.Logger, configuration string) (*clusters.Set, error) {
	set, err := clusters.New(c, clusters.Options{
		Logger:        log,
		LookupEnv:     p.lookupEnv,
		Configuration: configuration,
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
