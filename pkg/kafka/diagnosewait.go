package kafka

import (
	"context"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// DiagnoseWait reports whether records of the topic can be waited for, by a Fetch
// at the end of one partition that waits for nothing. It is a step that never
// fails: without it, workloads wake with the next refresh.
func (c *Client) DiagnoseWait(ctx context.Context, topic string, partitions []int32, report func(Check)) {
	report(optional(Check{Step: "push activation", Target: topic, Detail: "records wake the workload at once"},
		"workloads wake at the refresh interval, not at once", c.tryWait(ctx, topic, partitions)))
}

func (c *Client) tryWait(ctx context.Context, topic string, partitions []int32) error {
	end, err := c.firstEnd(ctx, topic, partitions)
	if err != nil {
		return err
	}
	leader, ok := c.Leaders(topic)(end.Partition)
	if !ok {
		return wire.Code(wire.LeaderNotAvailable)
	}
	wakes, err := c.AwaitRecords(ctx, leader, lag.End, []lag.LogWait{{TopicPartition: end.TopicPartition, Offset: end.Offset}}, time.Millisecond)
	if err != nil {
		return err
	}
	for _, w := range wakes {
		if w.Reason == lag.WakeDenied {
			return w.Err
		}
	}
	return nil
}
