package kafka

import (
	"errors"
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// errNoRoute is a topic that no metadata has been read for.
var errNoRoute = errors.New("no metadata of the topic")

// routeError is what the topic's metadata said when it was last read.
type routeError struct{ error }

func (e routeError) Unwrap() error { return e.error }

// noPartition is a partition that the topic's metadata does not have.
type noPartition struct{ have int }

// staleLeader is an answer of a broker that led the partition in an older epoch
// than the one known: what has been written since is not in it.
type staleLeader struct{ answered, known int32 }

func (e staleLeader) Error() string {
	return fmt.Sprintf("the answer is of leader epoch %d, and epoch %d is known", e.answered, e.known)
}

func (e noPartition) Error() string { return fmt.Sprintf("the topic has %d partitions", e.have) }

// leaderBatch is what one request to one leader asks for.
type leaderBatch struct {
	broker *transport.Broker
	parts  []lag.TopicPartitions
	// epochs are the broker's, as leader of the partitions, in their order.
	epochs []int32
}

// byLeader sorts partitions by who leads them, each batch small enough for one
// request. What has no leader is returned with the reason.
func (c *Client) byLeader(parts []lag.TopicPartitions) (batches []leaderBatch, lost []rejected) {
	s := leaderSort{c: c, open: map[int32]*openBatch{}, lost: map[error][]lag.TopicPartitions{}}
	now := time.Now()
	for _, p := range parts {
		route := c.routes.topic(p.Topic, now)
		switch {
		case route == nil:
			s.lose(p, errNoRoute)
		case route.err != nil:
			s.lose(p, routeError{route.err})
		default:
			for _, id := range p.Partitions {
				s.add(p.Topic, id, route)
			}
		}
	}
	for _, open := range s.open {
		s.flush(open)
	}
	for why, parts := range s.lost {
		lost = append(lost, rejected{parts: distinct(parts), err: why})
	}
	return s.batches, lost
}

// leaderSort is the state of byLeader.
type leaderSort struct {
	c       *Client
	open    map[int32]*openBatch // by leader
	batches []leaderBatch
	lost    map[error][]lag.TopicPartitions
}

type openBatch struct {
	leaderBatch
	partitions, bytes int
}

func (s *leaderSort) lose(parts lag.TopicPartitions, why error) {
	s.lost[why] = append(s.lost[why], parts)
}

func (s *leaderSort) add(topic string, id int32, route *topicRoute) {
	one := func() lag.TopicPartitions { return lag.TopicPartitions{Topic: topic, Partitions: []int32{id}} }
	l, ok := route.leader(id)
	if !ok {
		s.lose(one(), noPartition{len(route.leaders)})
		return
	}
	open := s.open[l.node]
	if open == nil {
		addr, ok := s.c.routes.address(l.node)
		if !ok {
			s.lose(one(), noLeader(l))
			return
		}
		open = &openBatch{leaderBatch: leaderBatch{broker: s.c.brokers.at(addr, l.node)}}
		s.open[l.node] = open
	}
	s.put(open, topic, l)
}

// noLeader is why a partition has no leader that could be asked.
func noLeader(l leader) wire.Code {
	if l.code != 0 {
		return wire.Code(l.code)
	}
	return wire.Code(wire.LeaderNotAvailable)
}

// put adds a partition to a batch, after sending the batch on its way where it is full.
func (s *leaderSort) put(open *openBatch, topic string, l leader) {
	const perTopic, perPartition = 8, 17 // bytes beside the name, bytes of a partition: id, epoch, timestamp, tags
	if open.partitions == s.c.cfg.MaxPartitionsPerRequest || open.bytes > maxRequestBytes {
		s.flush(open)
	}
	last := len(open.parts) - 1
	if last < 0 || open.parts[last].Topic != topic {
		open.parts = append(open.parts, lag.TopicPartitions{Topic: topic})
		open.bytes += len(topic) + perTopic
		last++
	}
	open.parts[last].Partitions = append(open.parts[last].Partitions, l.partition)
	open.epochs = append(open.epochs, l.epoch)
	open.partitions++
	open.bytes += perPartition
}

func (s *leaderSort) flush(open *openBatch) {
	if open.partitions == 0 {
		return
	}
	s.batches = append(s.batches, open.leaderBatch)
	open.parts, open.epochs = nil, nil
	open.partitions, open.bytes = 0, 0
}
