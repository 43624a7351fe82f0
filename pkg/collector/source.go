package collector

import (
	"context"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Source reads one Kafka cluster. pkg/kafka's Client is one.
//
// Every method returns within the deadline of its context, and a context without
// one is a defect of the caller. The reading methods ask all brokers concerned at
// once and call deliver as each one answers or fails, never from two goroutines at
// a time; they return when all have. What is delivered covers everything that was
// asked for, exactly once, failures included.
type Source interface {
	// Topics describes the named topics, or, for nil, all topics of the cluster. Topics that cannot be
	// described carry an error; an error of the call means that no broker could be asked.
	Topics(ctx context.Context, names []string) ([]lag.Topic, error)
	// LogOffsets reads one position of the partitions, one request a leader.
	LogOffsets(ctx context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset))
	// Commits reads the groups' committed offsets, one request a coordinator where the broker can. What
	// deliver is given of them is good until it returns.
	Commits(ctx context.Context, groups []lag.GroupTopics, deliver func([]lag.GroupCommits))
}
