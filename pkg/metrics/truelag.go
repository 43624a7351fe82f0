package metrics

import "github.com/kafka-scaler/kafka-scaler/pkg/collector"

func (c *Cluster) looked(s collector.ProbeStats) {
	for result, n := range map[string]int{"empty": s.Empty, "record": s.Records, "unclear": s.Unclear, "error": s.Failed} {
		if n > 0 {
			c.vectors.looks.WithLabelValues(c.name, result).Add(float64(n))
		}
	}
}

func (c *Cluster) agesSearched(s collector.AgeStats) {
	for result, n := range map[string]int{"found": s.Found, "unknown": s.Unknown} {
		if n > 0 {
			c.vectors.ageSearches.WithLabelValues(c.name, result).Add(float64(n))
		}
	}
	c.vectors.ageRounds.WithLabelValues(c.name).Add(float64(s.Rounds))
}
