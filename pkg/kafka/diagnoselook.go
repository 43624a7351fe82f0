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
	report(optional(Check{Step: "phantom lag", Target: topic, Detail: "offsets without records are detected and do not count"},
		"transaction markers and aborted records count as lag", c.tryLook(ctx, topic, partitions)))
}

// optional completes a check of what is good to have: where it failed, the check
// succeeds all the same, and tells what is done without and why.
func optional(check Check, without string, err error) Check {
	check.OK = true
	if err == nil {
		return check
	}
	remedy, cause := splitRemedy(err)
	check.Detail = without + ": " + cause.Error()
	if remedy != "" {
		check.Detail += " (" + remedy + ")"
	}
	return check
}

// firstEnd returns the log end of the first of the partitions.
func (c *Client) firstEnd(ctx context.Context, topic string, partitions []int32) (end lag.LogOffset, err error) {
	if len(partitions) == 0 {
		return end, errors.New("the topic has no partition")
	}
	c.LogOffsets(ctx, lag.End, []lag.TopicPartitions{{Topic: topic, Partitions: partitions[:1]}}, func(ends []lag.LogOffset) { end = ends[0] })
	return end, end.Err
}

func (c *Client) tryLook(ctx context.Context, topic string, partitions []int32) error {
	end, err := c.firstEnd(ctx, topic, partitions)
	if err != nil {
		return err
	}
	var seen lag.Sight
	look := lag.Look{TopicPartition: end.TopicPartition, From: end.Offset, To: end.Offset + 1}
	c.Inspect(ctx, false, []lag.Look{look}, func(sights []lag.Sight) { seen = sights[0] })
	if seen.Err != nil && fault.KindOf(seen.Err) != fault.Denied {
		return fmt.Errorf("not found out: %w", seen.Err)
	}
	return seen.Err
}
