package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// DiagnoseLook reports whether the topic's records may be looked at, by a Fetch at
// the end of one partition. It is a step that never fails: without it, lag that is
// no work counts in full.
func (c *Client) DiagnoseLook(ctx context.Context, topic string, partitions []int32, report func(Check)) {
	check := Check{Step: "phantom lag", Target: topic, OK: true, Detail: "what is no work is found out and does not count"}
	if err := c.tryLook(ctx, topic, partitions); err != nil {
		remedy, cause := splitRemedy(err)
		check.Detail = "transaction markers and aborted records count as lag: " + cause.Error()
		if remedy != "" {
			check.Detail += " (" + remedy + ")"
		}
	}
	report(check)
}

func (c *Client) tryLook(ctx context.Context, topic string, partitions []int32) error {
	if len(partitions) == 0 {
		return errors.New("the topic has no partition")
	}
	at := lag.TopicPartition{Topic: topic, Partition: partitions[0]}
	var end lag.LogOffset
	c.LogOffsets(ctx, lag.End, []lag.TopicPartitions{{Topic: topic, Partitions: partitions[:1]}}, func(ends []lag.LogOffset) { end = ends[0] })
	if end.Err != nil {
		return end.Err
	}
	var seen lag.Sight
	look := lag.Look{TopicPartition: at, From: end.Offset, To: end.Offset + 1}
	c.Inspect(ctx, false, []lag.Look{look}, func(sights []lag.Sight) { seen = sights[0] })
	if seen.Err != nil && fault.KindOf(seen.Err) != fault.Denied {
		return fmt.Errorf("not found out: %w", seen.Err)
	}
	return seen.Err
}
