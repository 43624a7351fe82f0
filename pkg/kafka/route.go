package kafka

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// routes remembers which broker leads which partition and where the brokers are,
// as the newest metadata said.
type routes struct {
	mu      sync.RWMutex
	brokers map[int32]string // node to address
	topics  map[string]*topicRoute
	refresh refresher
}

// topicRoute is never changed once it is in routes.
type topicRoute struct {
	// code is why there are no leaders: the error that the topic's metadata had.
	code    int16
	id      [16]byte
	leaders []leader // by partition
	// readAt is when the metadata was asked for.
	readAt time.Time
}

type leader struct {
	partition, node, epoch int32
}

// leader returns who leads the partition, if the topic has it.
func (t *topicRoute) leader(partition int32) (leader, bool) {
	// Nearly always they are all there.
	if at := int(partition); at >= 0 && at < len(t.leaders) && t.leaders[at].partition == partition {
		return t.leaders[at], true
	}
	at, found := slices.BinarySearchFunc(t.leaders, partition, func(l leader, p int32) int { return cmp.Compare(l.partition, p) })
	if !found {
		return leader{}, false
	}
	return t.leaders[at], true
}

func (r *routes) init() {
	r.brokers = map[int32]string{}
	r.topics = map[string]*topicRoute{}
}

// update takes in a metadata response that was asked for at readAt.
func (r *routes) update(resp *kmsg.MetadataResponse, addresses map[int32]string, readAt time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(addresses) > 0 {
		r.brokers = addresses
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if t.Topic == nil {
			continue
		}
		if t.ErrorCode != 0 {
			r.topics[*t.Topic] = &topicRoute{code: t.ErrorCode, readAt: readAt}
			continue
		}
		r.topics[*t.Topic] = newTopicRoute(t, r.topics[*t.Topic], readAt)
	}
}

// newTopicRoute reads a topic's leaders. A broker that lags behind the others may
// name a leader that we know to be past: of the same topic, the greater epoch wins.
func newTopicRoute(t *kmsg.MetadataResponseTopic, old *topicRoute, readAt time.Time) *topicRoute {
	route := &topicRoute{id: t.TopicID, leaders: make([]leader, 0, len(t.Partitions)), readAt: readAt}
	sameTopic := old != nil && old.id == t.TopicID && t.TopicID != [16]byte{}
	for i := range t.Partitions {
		p := &t.Partitions[i]
		l := leader{p.Partition, p.Leader, p.LeaderEpoch}
		if sameTopic {
			if known, ok := old.leader(p.Partition); ok && known.epoch > l.epoch {
				l = known
			}
		}
		route.leaders = append(route.leaders, l)
	}
	slices.SortFunc(route.leaders, func(a, b leader) int { return cmp.Compare(a.partition, b.partition) })
	return route
}

// topic returns what is known of a topic's leaders, or nil.
func (r *routes) topic(name string) *topicRoute {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.topics[name]
}

// address returns where a broker is.
func (r *routes) address(node int32) (string, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	addr, ok := r.brokers[node]
	return addr, ok
}

// known returns all brokers.
func (r *routes) known() map[int32]string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return maps.Clone(r.brokers)
}

// names tells whether a broker of the cluster has that address.
func (r *routes) names(addr string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, known := range r.brokers {
		if known == addr {
			return true
		}
	}
	return false
}

// outdated returns those of the topics whose route is missing or was read no later than at.
func (r *routes) outdated(topics []string, at time.Time) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.DeleteFunc(slices.Clone(topics), func(name string) bool {
		t := r.topics[name]
		return t != nil && t.readAt.After(at)
	})
}
