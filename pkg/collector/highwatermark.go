package collector

import (
	"context"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// needsHighWatermark reports whether lag depends on the high watermark too, given
// the commit and the last stable offset: whether records of an open transaction
// lie behind the commit, or no record at all, only that tells.
func (tr *tracked) needsHighWatermark(committed int64, stable logRead) bool {
	return tr.kind == lag.StableEnd && committed > stable.offset
}

// readHighWatermarks reads the high watermarks that lag depends on. They are asked
// for when the last stable offsets have been received, so that none is older.
func (c *Collector) readHighWatermarks(ctx context.Context, s *scope, timeout time.Duration) int {
	var id stamp
	var asks []lag.TopicPartitions
	var n int
	c.locked(func() {
		c.compose(s)
		var due logScope
		if len(s.ends[lag.StableEnd].topics) > 0 {
			for _, tr := range s.tracked {
				tr.collectHighWatermarks(&due)
			}
		}
		id = c.tick()
		asks, n = claimLogs(&due, lag.End, id)
	})
	cl := c.readLogs(ctx, timeout, id, lag.End, asks, n)
	if cl == nil {
		return 0
	}
	return c.await(ctx, cl)
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
