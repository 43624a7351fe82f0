package kafka

import (
	"context"
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

// byLeader are the leaders of partitions as owners. It remembers and finds them by the client's routes.
type byLeader struct{ *Client }

// sort implements owners.
func (o byLeader) sort(_ context.Context, parts []lag.TopicPartitions, ask func(portion[lag.TopicPartitions])) []rejected[lag.TopicPartitions] {
	s := leaderSort{c: o.Client, ask: ask, open: map[int32]*openPortion{}}
	now := time.Now()
	for _, p := range parts {
		route := o.routes.topic(p.Topic, now)
		switch {
		case route == nil:
			s.lost.add(errNoRoute, p)
		case route.err != nil:
			s.lost.add(routeError{route.err}, p)
		default:
			for _, id := range p.Partitions {
				s.add(p.Topic, id, route)
			}
		}
	}
	for _, open := range s.open {
		s.flush(open)
	}
	for i := range s.lost.all {
		s.lost.all[i].items = distinct(s.lost.all[i].items)
	}
	return s.lost.all
}

// moved implements owners.
func (byLeader) moved(err error) bool { return reroutable(err) }

// reroutable tells whether a failure may be over once the leaders are looked up again.
func reroutable(err error) bool {
	if _, old := errors.AsType[routeError](err); old {
		return true
	}
	if _, stale := errors.AsType[staleLeader](err); stale {
		return true
	}
	if code, ok := errors.AsType[wire.Code](err); ok {
		switch int16(code) {
		case wire.UnknownTopicOrPartition, wire.LeaderNotAvailable, wire.NotLeaderOrFollower, wire.ReplicaNotAvailable, wire.KafkaStorageError,
			wire.ListenerNotFound, wire.FencedLeaderEpoch, wire.UnknownLeaderEpoch, wire.OffsetNotAvailable:
			return true
		}
		return false
	}
	_, broken := errors.AsType[*transport.ConnError](err)
	_, missing := errors.AsType[noPartition](err)
	return broken || missing || errors.Is(err, errNoRoute) || errors.Is(err, errDropped)
}

// forget implements owners. Routes count until newer ones are read, by whoever needs them.
func (byLeader) forget([]lag.TopicPartitions) {}

// renew implements owners: it reads metadata, unless somebody has since.
func (o byLeader) renew(ctx context.Context, moved []rejected[lag.TopicPartitions], sortedAt time.Time) (again []lag.TopicPartitions, lost []rejected[lag.TopicPartitions]) {
	parts := distinct(itemsOf(moved))
	err := o.refreshRoutes(ctx, topicNames(parts), sortedAt)
	if err == nil {
		return parts, nil
	}
	for i := range moved {
		if errors.Is(moved[i].err, errNoRoute) {
			moved[i].err = err
		}
	}
	return nil, moved
}

// leaderSort is the state of a sort by leaders.
type leaderSort struct {
	c    *Client
	ask  func(portion[lag.TopicPartitions])
	open map[int32]*openPortion // by leader
	lost rejects[lag.TopicPartitions]
}

// openPortion is one that has room for more.
type openPortion struct {
	portion[lag.TopicPartitions]
	partitions, bytes int
}

func (s *leaderSort) add(topic string, id int32, route *topicRoute) {
	one := func() lag.TopicPartitions { return lag.TopicPartitions{Topic: topic, Partitions: []int32{id}} }
	l, ok := route.leader(id)
	if !ok {
		s.lost.add(noPartition{len(route.leaders)}, one())
		return
	}
	open := s.open[l.node]
	if open == nil {
		addr, ok := s.c.routes.address(l.node)
		if !ok {
			s.lost.add(noLeader(l), one())
			return
		}
		open = &openPortion{portion: portion[lag.TopicPartitions]{broker: s.c.brokers.at(addr, l.node)}}
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

// put adds a partition to a portion, after sending that on its way where it is full.
func (s *leaderSort) put(open *openPortion, topic string, l leader) {
	const perTopic, perPartition = 8, 17 // bytes besides the name, bytes of a partition: id, epoch, timestamp, tags
	if open.partitions == s.c.cfg.MaxPartitionsPerRequest || open.bytes > maxRequestBytes {
		s.flush(open)
	}
	last := len(open.items) - 1
	if last < 0 || open.items[last].Topic != topic {
		open.items = append(open.items, lag.TopicPartitions{Topic: topic})
		open.bytes += len(topic) + perTopic
		last++
	}
	open.items[last].Partitions = append(open.items[last].Partitions, l.partition)
	open.epochs = append(open.epochs, l.epoch)
	open.partitions++
	open.bytes += perPartition
}

func (s *leaderSort) flush(open *openPortion) {
	if open.partitions == 0 {
		return
	}
	s.ask(open.portion)
	open.items, open.epochs = nil, nil
	open.partitions, open.bytes = 0, 0
}
