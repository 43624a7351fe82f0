package kafkabroker

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// createAtOnce is how many topics one request creates. The controller works a
// request off in one go, and a very large one past the client's patience.
const createAtOnce = 100

// leaderNotAvailable is a partition's error code as long as it has no leader.
const leaderNotAvailable = 5

// CreateTopic creates a topic and returns when every running broker knows the
// leaders of all its partitions. Config are topic properties and may be nil.
func (c *Cluster) CreateTopic(ctx context.Context, topic string, partitions int32, replicas int16, config map[string]string) error {
	return c.CreateTopics(ctx, []string{topic}, partitions, replicas, config)
}

// CreateTopics creates topics that are all alike, as [Cluster.CreateTopic] does.
func (c *Cluster) CreateTopics(ctx context.Context, topics []string, partitions int32, replicas int16, config map[string]string) error {
	values := map[string]*string{}
	for key, value := range config {
		values[key] = &value
	}
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		for some := range slices.Chunk(topics, createAtOnce) {
			answers, err := admin.CreateTopics(ctx, partitions, replicas, values, some...)
			if err != nil {
				return fmt.Errorf("create topics: %w", err)
			}
			if err := answers.Error(); err != nil {
				return fmt.Errorf("create topics: %w", err)
			}
		}
		return c.waitTopics(ctx, int(partitions), topics...)
	})
}

// AddPartitions grows a topic to a number of partitions and returns when every
// running broker knows the new ones' leaders.
func (c *Cluster) AddPartitions(ctx context.Context, topic string, total int) error {
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		answers, err := admin.UpdatePartitions(ctx, total, topic)
		if err == nil {
			err = answers.Error()
		}
		if err != nil {
			return fmt.Errorf("grow topic %s to %d partitions: %w", topic, total, err)
		}
		return c.waitTopics(ctx, total, topic)
	})
}

// DeleteTopic deletes a topic and returns when no running broker knows it any more.
func (c *Cluster) DeleteTopic(ctx context.Context, topic string) error {
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		if _, err := admin.DeleteTopic(ctx, topic); err != nil {
			return fmt.Errorf("delete topic %s: %w", topic, err)
		}
		return c.waitTopics(ctx, 0, topic)
	})
}

// waitTopics waits until every running broker sees each topic with exactly so many
// partitions, all of them led by someone; 0 partitions are a topic that is gone.
func (c *Cluster) waitTopics(ctx context.Context, partitions int, topics ...string) error {
	return c.waitSeen(ctx, topics, func(seen *kmsg.MetadataResponse) bool {
		for _, topic := range seen.Topics {
			for _, p := range topic.Partitions {
				if p.Leader < 0 || p.ErrorCode == leaderNotAvailable {
					return false
				}
			}
			if len(topic.Partitions) != partitions {
				return false
			}
		}
		return true
	})
}

// Leader returns the broker that leads a partition, -1 for none.
func (c *Cluster) Leader(ctx context.Context, topic string, partition int32) (int32, error) {
	leader := int32(-1)
	err := c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		details, err := admin.ListTopics(ctx, topic)
		if err != nil {
			return err
		}
		p, ok := details[topic].Partitions[partition]
		if !ok {
			return fmt.Errorf("topic %s has no partition %d", topic, partition)
		}
		leader = p.Leader
		return nil
	})
	return leader, err
}

// Reassign moves a partition to replicas, of which the first becomes its leader.
// It returns when the move is complete and every running broker knows the leader.
func (c *Cluster) Reassign(ctx context.Context, topic string, partition int32, replicas ...int32) error {
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		var move kadm.AlterPartitionAssignmentsReq
		move.Assign(topic, partition, replicas)
		answers, err := admin.AlterPartitionAssignments(ctx, move)
		if err == nil {
			err = answers.Error()
		}
		if err != nil {
			return fmt.Errorf("reassign %s-%d: %w", topic, partition, err)
		}
		var set kadm.TopicsSet
		set.Add(topic, partition)
		return until(ctx, func() (bool, error) {
			details, err := admin.ListTopics(ctx, topic)
			if err != nil {
				return false, nil
			}
			now := details[topic].Partitions[partition]
			if !slices.Equal(now.Replicas, replicas) || len(now.ISR) != len(replicas) {
				return false, nil
			}
			if now.Leader != replicas[0] {
				_, err := admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, set)
				return false, err
			}
			return true, c.waitLeader(ctx, topic, partition, replicas[0])
		})
	})
}

// MoveLeader makes one of a partition's replicas its leader; the replicas stay.
func (c *Cluster) MoveLeader(ctx context.Context, topic string, partition, to int32) error {
	var replicas []int32
	err := c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		details, err := admin.ListTopics(ctx, topic)
		replicas = details[topic].Partitions[partition].Replicas
		return err
	})
	if err != nil {
		return err
	}
	at := slices.Index(replicas, to)
	if at < 0 {
		return fmt.Errorf("broker %d has no replica of %s-%d, only %v have", to, topic, partition, replicas)
	}
	replicas[0], replicas[at] = replicas[at], replicas[0]
	return c.Reassign(ctx, topic, partition, replicas...)
}

// waitLeader waits until every running broker names the leader of a partition.
func (c *Cluster) waitLeader(ctx context.Context, topic string, partition, leader int32) error {
	return c.waitSeen(ctx, []string{topic}, func(seen *kmsg.MetadataResponse) bool {
		for _, topic := range seen.Topics {
			for _, p := range topic.Partitions {
				if p.Partition == partition {
					return p.Leader == leader
				}
			}
		}
		return false
	})
}

// WaitInSync returns when every partition has a leader and all its replicas are in
// sync: what a broker that was away has to catch up before the next one may go.
func (c *Cluster) WaitInSync(ctx context.Context) error {
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		return until(ctx, func() (bool, error) {
			details, err := admin.ListTopicsWithInternal(ctx)
			if err != nil {
				return false, nil
			}
			for _, topic := range details {
				for _, p := range topic.Partitions {
					if p.Leader < 0 || len(p.ISR) != len(p.Replicas) {
						return false, nil
					}
				}
			}
			return true, nil
		})
	})
}
