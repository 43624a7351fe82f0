package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// DiagnoseWait reports whether records of the topic can be waited for, by a Fetch
// at the end of one partition that waits for nothing. It is a step that never
// fails: without it, workloads wake with the next refresh.
func (c *Client) DiagnoseWait(ctx context.Context, topic string, partitions []int32, report func(Check)) {
	const step = "push activation"
	err := c.tryWait(ctx, topic, partitions)
	check := Check{Step: step, Target: topic, OK: true, Detail: "records wake the workload at once"}
	if err != nil {
		remedy, cause := splitRemedy(err)
		check.Detail = "workloads wake at the refresh interval, not at once: " + cause.Error()
		if remedy != "" {
			check.Detail += " (" + remedy + ")"
		}
	}
	report(check)
}

func (c *Client) tryWait(ctx context.Context, topic string, partitions []int32) error {
	if len(partitions) == 0 {
		return errors.New("the topic has no partition")
	}
	at := lag.TopicPartition{Topic: topic, Partition: partitions[0]}
	var end lag.LogOffset
	c.LogOffsets(ctx, lag.End, []lag.TopicPartitions{{Topic: topic, Partitions: partitions[:1]}}, func(ends []lag.LogOffset) { end = ends[0] })
	if end.Err != nil {
		return end.Err
	}
	leader, ok := c.Leaders(topic)(at.Partition)
	if !ok {
		return Code(leaderNotAvailable)
	}
	wakes, err := c.AwaitRecords(ctx, leader, lag.End, []lag.LogWait{{TopicPartition: at, Offset: end.Offset}}, time.Millisecond)
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
