package kafka

import (
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// maxMemberTopics bounds how many topics the members of a group name between them.
const maxMemberTopics = 100_000

// topicNamesOf are the topics that the members of one group name, each name held
// once. What members of a classic group write about themselves is their own:
// brokers do not look into it, and nothing can be said of what is not in the
// consumers' format (ConsumerProtocolSubscription and ConsumerProtocolAssignment).
type topicNamesOf struct {
	held map[string]string
	// named counts all mentions.
	named int
}

// hold returns a name that is the same string each time.
func (n *topicNamesOf) hold(name []byte) string {
	n.named++
	if held, ok := n.held[string(name)]; ok {
		return held
	}
	if n.held == nil {
		n.held = map[string]string{}
	}
	held := string(name)
	n.held[held] = held
	return held
}

// subscription reads what a member told the group's leader: its topics, and none of what follows.
func (n *topicNamesOf) subscription(protocolType string, raw []byte) (topics []string, known bool) {
	if protocolType != "consumer" || len(raw) == 0 {
		return nil, false
	}
	in := wire.Bytes(raw)
	in.Skip(2) // version
	for left := in.Count(); left > 0 && in.Err() == nil; left-- {
		name := in.String()
		in.Bound(n.named+1, maxMemberTopics, "topics of a group's members")
		if in.Err() == nil {
			topics = append(topics, n.hold(name))
		}
	}
	if in.Err() != nil {
		return nil, false
	}
	return topics, true
}

// assignment reads what the group's leader gave to a member, as far as it can be read.
func (n *topicNamesOf) assignment(protocolType string, raw []byte) []lag.TopicPartitions {
	if protocolType != "consumer" || len(raw) == 0 {
		return nil
	}
	in := wire.Bytes(raw)
	in.Skip(2) // version
	var parts []lag.TopicPartitions
	for left := in.Count(); left > 0 && in.Err() == nil; left-- {
		name := in.String()
		in.Bound(n.named+1, maxMemberTopics, "topics of a group's members")
		if in.Err() != nil {
			break
		}
		part := lag.TopicPartitions{Topic: n.hold(name)}
		for ids := in.Count(); ids > 0 && in.Err() == nil; ids-- {
			part.Partitions = append(part.Partitions, in.Int32())
		}
		parts = append(parts, part)
	}
	if in.Err() != nil {
		return nil
	}
	return sorted(parts)
}
