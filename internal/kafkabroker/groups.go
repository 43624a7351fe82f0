package kafkabroker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Commit commits offsets, by partition, of one topic for a group without members.
func (c *Cluster) Commit(ctx context.Context, group, topic string, offsets map[int32]int64) error {
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		var all kadm.Offsets
		for partition, offset := range offsets {
			all.AddOffset(topic, partition, offset, -1)
		}
		if err := admin.CommitAllOffsets(ctx, group, all); err != nil {
			return fmt.Errorf("commit for group %s: %w", group, err)
		}
		return nil
	})
}

// DeleteCommits removes a group's commits for some partitions of a topic, as their
// expiry would.
func (c *Cluster) DeleteCommits(ctx context.Context, group, topic string, partitions ...int32) error {
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		var set kadm.TopicsSet
		set.Add(topic, partitions...)
		answers, err := admin.DeleteOffsets(ctx, group, set)
		if err == nil {
			err = answers.Error()
		}
		if err != nil {
			return fmt.Errorf("delete commits of group %s: %w", group, err)
		}
		return nil
	})
}

// DeleteGroup removes a group that has no member.
func (c *Cluster) DeleteGroup(ctx context.Context, group string) error {
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		answer, err := admin.DeleteGroup(ctx, group)
		if err == nil {
			err = answer.Err
		}
		if err != nil {
			return fmt.Errorf("delete group %s: %w", group, err)
		}
		return nil
	})
}

// Coordinator returns the broker that coordinates a group.
func (c *Cluster) Coordinator(ctx context.Context, group string) (int32, error) {
	id := int32(-1)
	err := c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		answer := admin.FindGroupCoordinators(ctx, group)[group]
		if answer.Err != nil {
			return fmt.Errorf("find the coordinator of group %s: %w", group, answer.Err)
		}
		id = answer.NodeID
		return nil
	})
	return id, err
}

// MoveCoordinator makes a broker the coordinator of a group, and of those whose
// commits lie in the same partition. It returns when the broker answers for it.
func (c *Cluster) MoveCoordinator(ctx context.Context, group string, to int32) error {
	// As Kafka does: the absolute value of Java's hash of the name, which for the least int is 0.
	var hash int32
	for _, unit := range utf16.Encode([]rune(group)) {
		hash = 31*hash + int32(unit)
	}
	partition := max(hash, -hash, 0) % offsetsPartitions
	if err := c.MoveLeader(ctx, "__consumer_offsets", partition, to); err != nil {
		return err
	}
	return until(ctx, func() (bool, error) {
		at, err := c.Coordinator(ctx, group)
		return err == nil && at == to, nil
	})
}

// Protocol is how a member takes part in its group.
type Protocol int

// The protocols.
const (
	// Classic is the protocol of all versions: JoinGroup and SyncGroup, partitions assigned by a member.
	Classic Protocol = iota
	// Consumer is the protocol of KIP-848, Kafka 4.0 and later: partitions assigned by the broker.
	Consumer
)

// Member is a live member of a consumer group. It takes partitions and heartbeats,
// and commits nothing unless [Member.Poll] is called.
type Member struct {
	client *kgo.Client

	mu       sync.Mutex
	assigned map[string]map[int32]struct{}
}

// Join adds a member to a group, subscribed to topics, and returns when the
// coordinator has given it its first assignment, which may be empty.
func (c *Cluster) Join(ctx context.Context, group string, protocol Protocol, topics ...string) (*Member, error) {
	ctx, cancel := withPatience(ctx)
	defer cancel()
	m := &Member{assigned: map[string]map[int32]struct{}{}}
	joined := make(chan struct{})
	var once sync.Once
	opts := []kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topics...), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(kgo.RangeBalancer()),
		kgo.HeartbeatInterval(500 * time.Millisecond), // how fast a rebalance is noticed
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, added map[string][]int32) {
			m.take(added)
			once.Do(func() { close(joined) })
		}),
		kgo.OnPartitionsRevoked(m.give),
		kgo.OnPartitionsLost(m.give),
	}
	if protocol == Consumer {
		opts = append(opts, kgo.ServerSideBalancer())
	}
	var err error
	if m.client, err = c.newClient(opts...); err != nil {
		return nil, err
	}
	select {
	case <-joined:
		return m, nil
	case <-ctx.Done():
		m.client.Close()
		return nil, fmt.Errorf("join group %s: no assignment: %w", group, ctx.Err())
	}
}

func (m *Member) take(added map[string][]int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, partitions := range added {
		if m.assigned[topic] == nil {
			m.assigned[topic] = map[int32]struct{}{}
		}
		for _, p := range partitions {
			m.assigned[topic][p] = struct{}{}
		}
	}
}

func (m *Member) give(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, partitions := range gone {
		maps.DeleteFunc(m.assigned[topic], func(p int32, _ struct{}) bool {
			return slices.Contains(partitions, p)
		})
	}
}

// Assigned is how many partitions the member has now.
func (m *Member) Assigned() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	count := 0
	for _, partitions := range m.assigned {
		count += len(partitions)
	}
	return count
}

// Poll takes up to most records, commits behind them, and returns how many they were.
func (m *Member) Poll(ctx context.Context, most int) (int, error) {
	ctx, cancel := withPatience(ctx)
	defer cancel()
	fetches := m.client.PollRecords(ctx, most)
	if err := fetches.Err(); err != nil {
		return 0, fmt.Errorf("poll: %w", err)
	}
	if err := m.client.CommitRecords(ctx, fetches.Records()...); err != nil {
		return 0, fmt.Errorf("commit: %w", err)
	}
	return fetches.NumRecords(), nil
}

// Close leaves the group.
func (m *Member) Close() { m.client.Close() }
