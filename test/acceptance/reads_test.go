//go:build realkafka

package acceptance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// tally counts requests by API. It is a kafka.Observer.
type tally struct {
	mu       sync.Mutex
	requests map[string]int
}

func (c *tally) RequestDone(api string, _ int32, _ time.Duration, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.requests == nil {
		c.requests = map[string]int{}
	}
	c.requests[api]++
}

func (*tally) ConnectDone(int32, time.Duration, error) {}

func (*tally) Panicked(string) {}

// take returns the counts since the last time.
func (c *tally) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := maps.Clone(c.requests)
	clear(c.requests)
	return taken
}

// position is what was read of one partition.
type position struct {
	offset int64
	err    error
}

// partitions names the partitions 0 to n-1 of a topic.
func partitions(topic string, n int32) lag.TopicPartitions {
	tps := lag.TopicPartitions{Topic: topic}
	for p := range n {
		tps.Partitions = append(tps.Partitions, p)
	}
	return tps
}

// logOffsets reads a position of partitions, and fails the test unless each is delivered exactly once.
func logOffsets(ctx context.Context, t *testing.T, c *kafka.Client, at lag.Position, parts ...lag.TopicPartitions) map[lag.TopicPartition]position {
	t.Helper()
	got := map[lag.TopicPartition]position{}
	c.LogOffsets(ctx, at, parts, func(offsets []lag.LogOffset) {
		for _, o := range offsets {
			if _, twice := got[o.TopicPartition]; twice {
				t.Errorf("%s was delivered twice", o.TopicPartition)
			}
			got[o.TopicPartition] = position{o.Offset, o.Err}
		}
	})
	want := 0
	for _, p := range parts {
		want += len(p.Partitions)
	}
	if len(got) != want {
		t.Errorf("%d of %d partitions were delivered", len(got), want)
	}
	return got
}

// commits reads groups' commits, and fails the test unless each group is delivered exactly once.
func commits(ctx context.Context, t *testing.T, c *kafka.Client, groups ...lag.GroupTopics) map[string]lag.GroupCommits {
	t.Helper()
	got := map[string]lag.GroupCommits{}
	c.Commits(ctx, groups, func(some []lag.GroupCommits) {
		for _, g := range some {
			if _, twice := got[g.Group]; twice {
				t.Errorf("group %s was delivered twice", g.Group)
			}
			g.Commits = slices.Clone(g.Commits)
			got[g.Group] = g
		}
	})
	if len(got) != len(groups) {
		t.Errorf("%d of %d groups were delivered", len(got), len(groups))
	}
	return got
}

// committed finds one partition's commit. What could not be read is an error, never a number.
func committed(g lag.GroupCommits, topic string, partition int32) (int64, error) {
	if g.Err != nil {
		return 0, g.Err
	}
	for _, c := range g.Commits {
		if c.Topic == topic && c.Partition == partition {
			return c.Offset, c.Err
		}
	}
	return 0, fmt.Errorf("%s-%d is not in the answer for group %s", topic, partition, g.Group)
}

// eventually polls until something is so, for as long as a busy machine may take.
func eventually(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to pass within 30 s")
		}
	}
}
