package metrics

import "github.com/prometheus/client_golang/prometheus"

// connections counts the open connections to the brokers when it is scraped.
type connections struct {
	desc *prometheus.Desc
	// byCluster returns the number by the cluster's name.
	byCluster func() map[string]int
}

// CountConnections makes the metric of open connections from a function that
// returns their number by cluster. Call it once.
func (m *Metrics) CountConnections(byCluster func() map[string]int) {
	m.Registry.MustRegister(&connections{
		desc: prometheus.NewDesc(prometheus.BuildFQName(Namespace, "", "kafka_connections"),
			"Open connections to the brokers of a cluster.", []string{"cluster"}, nil),
		byCluster: byCluster,
	})
}

// Describe implements prometheus.Collector.
func (c *connections) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

// Collect implements prometheus.Collector.
func (c *connections) Collect(ch chan<- prometheus.Metric) {
	for cluster, n := range c.byCluster() {
		ch <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(n), text(cluster))
	}
}
