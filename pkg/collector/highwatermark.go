package collector

import (
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// needsHighWatermark reports whether lag depends on the high watermark too, given
// the commit and the last stable offset: whether records of an open transaction
// lie behind the commit, or no record at all, only that tells.
func (tr *tracked) needsHighWatermark(committed int64, stable logRead) bool {
	return tr.kind == lag.StableEnd && committed > stable.offset
}

// highWatermarks reads the high watermarks that lag depends on. They are asked
// for when the last stable offsets have been received, so that none is older.
func (c *Collector) highWatermarks(s *scope) step[lag.TopicPartitions, lag.LogOffset] {
	read := c.logs(lag.End)
	read.claim = func(id stamp) ([]lag.TopicPartitions, int) {
		var due logScope
		if len(s.ends[lag.StableEnd].topics) > 0 {
			for _, tr := range s.tracked {
				tr.collectHighWatermarks(&due)
			}
		}
		return claimLogs(&due, lag.End, id)
	}
	return read
}

// collectHighWatermarks adds the partitions whose high watermark is due. The caller holds the collector's mu.
func (tr *tracked) collectHighWatermarks(due *logScope) {
	if tr.kind != lag.StableEnd {
		return
	}
	t := tr.topic
	var ids []int32
	for _, id := range t.ids {
		stable := t.logs[lag.StableEnd].at(id)
		p, _ := tr.at(id)
		commit := p.fitting(stable)
		if commit.read != 0 && tr.needsHighWatermark(commit.offset, stable) && t.logs[lag.End].at(id).asked < stable.asked {
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		due.topics = append(due.topics, t)
		due.asks = append(due.asks, lag.TopicPartitions{Topic: t.name, Partitions: ids})
	}
}
