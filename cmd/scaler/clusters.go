package main

import (
	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/metrics"
)

// newClusters returns the clusters of a configuration, observed by the metrics.
func newClusters(c config.Config, p process, m *metrics.Metrics, log *zap.Logger) (*clusters.Set, error) {
	set, err := clusters.New(c, clusters.Options{
		Logger:    log,
		LookupEnv: p.lookupEnv,
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
