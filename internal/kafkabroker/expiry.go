package kafkabroker

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// ExpireCommit commits an offset that the broker is to keep for a millisecond, and
// returns when it has expired. Only versions 2 to 4 of OffsetCommit can say how long
// to keep one; Kafka 4 still takes them.
func (c *Cluster) ExpireCommit(ctx context.Context, group, topic string, partition int32, offset int64) error {
	ctx, cancel := withPatience(ctx)
	defer cancel()
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.OffsetCommit), 4)
	client, err := c.newClient(kgo.MaxVersions(versions))
	if err != nil {
		return err
	}
	defer client.Close()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation, req.RetentionTimeMillis = group, -1, 1
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = topic
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("commit for group %s: %w", group, err)
	}
	if code := resp.Topics[0].Partitions[0].ErrorCode; code != 0 {
		return fmt.Errorf("commit for group %s: error code %d", group, code)
	}
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		return until(ctx, func() (bool, error) {
			commits, err := admin.FetchOffsets(ctx, group)
			if err != nil {
				return false, err
			}
			_, kept := commits.Lookup(topic, partition)
			return !kept, nil
		})
	})
}
