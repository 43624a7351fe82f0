package kafka

import (
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// distinct returns parts with every topic once and its partitions ascending and
// once each: brokers refuse a request that names a partition twice. It returns
// parts itself where it is so already.
func distinct(parts []lag.TopicPartitions) []lag.TopicPartitions {
	if len(parts) == 1 && ascending(parts[0].Partitions) {
		return parts
	}
	seen := make(map[string]struct{}, len(parts))
	clean := true
	for _, p := range parts {
		_, again := seen[p.Topic]
		seen[p.Topic] = struct{}{}
		clean = clean && !again && ascending(p.Partitions)
	}
	if clean {
		return parts
	}
	byTopic := make(map[string]int, len(seen))
	var merged []lag.TopicPartitions
	for _, p := range parts {
		i, ok := byTopic[p.Topic]
		if !ok {
			i = len(merged)
			byTopic[p.Topic] = i
			merged = append(merged, lag.TopicPartitions{Topic: p.Topic})
		}
		merged[i].Partitions = append(merged[i].Partitions, p.Partitions...)
	}
	for i := range merged {
		slices.Sort(merged[i].Partitions)
		merged[i].Partitions = slices.Compact(merged[i].Partitions)
	}
	return merged
}

func ascending(ids []int32) bool {
	for i := 1; i < len(ids); i++ {
		if ids[i] <= ids[i-1] {
			return false
		}
	}
	return true
}

func count(parts []lag.TopicPartitions) int {
	n := 0
	for _, p := range parts {
		n += len(p.Partitions)
	}
	return n
}

func topicNames(parts []lag.TopicPartitions) []string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.Topic
	}
	return names
}

// checklist ticks off the partitions that a broker has answered, so that each
// one asked for is answered once, whatever the response holds.
type checklist struct {
	parts []lag.TopicPartitions // distinct
	index map[string]int        // of a topic in parts
	done  [][]bool
	left  int
}

func newChecklist(parts []lag.TopicPartitions) *checklist {
	l := &checklist{parts: parts, index: make(map[string]int, len(parts)), done: make([][]bool, len(parts)), left: count(parts)}
	all := make([]bool, l.left)
	for i, p := range parts {
		l.index[p.Topic] = i
		l.done[i], all = all[:len(p.Partitions)], all[len(p.Partitions):]
	}
	return l
}

// tick returns the partition as it was asked for, and whether this is its first
// answer. Its topic shares memory with the question, not with the response.
func (l *checklist) tick(topic string, partition int32) (lag.TopicPartition, bool) {
	i, ok := l.index[topic]
	if !ok {
		return lag.TopicPartition{}, false
	}
	at, ok := slices.BinarySearch(l.parts[i].Partitions, partition)
	if !ok || l.done[i][at] {
		return lag.TopicPartition{}, false
	}
	l.done[i][at] = true
	l.left--
	return lag.TopicPartition{Topic: l.parts[i].Topic, Partition: partition}, true
}

// missing calls each for every partition without an answer.
func (l *checklist) missing(each func(lag.TopicPartition)) {
	if l.left == 0 {
		return
	}
	for i, p := range l.parts {
		for at, id := range p.Partitions {
			if !l.done[i][at] {
				each(lag.TopicPartition{Topic: p.Topic, Partition: id})
			}
		}
	}
}
