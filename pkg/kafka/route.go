package kafka

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Bounds of the topics whose leaders are remembered: maxTopics, and two million partitions.
const (
	leaderBytes     = 16
	maxRoutesBytes  = 2_000_000 * leaderBytes
	topicRouteBytes = 120
)

// routes remembers which broker leads which partition and where the brokers are,
// as the newest metadata said.
type routes struct {
	mu      sync.RWMutex
	brokers map[int32]string // node to address
	refresh refresher
	topics  *table[*topicRoute]
}

// topicRoute is never changed once it is in routes.
type topicRoute struct {
	// err is why there are no leaders: what the topic's metadata said.
	err     error
	id      [16]byte
	leaders []leader // by partition
	// described is the id that Topics has last told.
	described [16]byte
	// readAt is when the metadata was asked for.
	readAt time.Time
}

type leader struct {
	partition, node, epoch int32
	// code is the error of the partition: why it has no leader, or that its replicas are not all there.
	code int16
}

// leader returns who leads the partition, if the topic has it.
func (t *topicRoute) leader(partition int32) (leader, bool) {
	if partition < 0 || int(partition) >= len(t.leaders) {
		return leader{}, false
	}
	return t.leaders[partition], true
}

func (r *routes) init() {
	r.brokers = map[int32]string{}
	r.topics = newTable[*topicRoute](maxTopics, maxRoutesBytes)
}

// update takes in metadata that was asked for at readAt.
func (r *routes) update(answer *metadataAnswer, readAt time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(answer.brokers) > 0 {
		r.brokers = answer.brokers
	}
	for i := range answer.topics {
		t := &answer.topics[i]
		old, _ := r.topics.get(t.name, readAt)
		r.keep(t.name, newTopicRoute(t, old, readAt), readAt)
	}
}

// newTopicRoute reads a topic's leaders. A broker that lags behind the others may
// name a leader that we know to be past: of the same topic, the greater epoch wins.
func newTopicRoute(t *topicAnswer, old *topicRoute, readAt time.Time) *topicRoute {
	route := &topicRoute{err: t.err, id: t.id, leaders: t.leaders, readAt: readAt}
	if old != nil {
		route.described = old.described
	}
	if old == nil || old.id != t.id || t.id == [16]byte{} {
		return route
	}
	for i := range route.leaders {
		if known, ok := old.leader(int32(i)); ok && known.epoch > route.leaders[i].epoch {
			route.leaders[i] = known
		}
	}
	return route
}

// describe notes that Topics tells of these topics.
func (r *routes) describe(topics []topicAnswer, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range topics {
		if known, ok := r.topics.get(topics[i].name, now); ok && known.described != topics[i].id {
			route := *known
			route.described = topics[i].id
			r.keep(topics[i].name, &route, now)
		}
	}
}

// keep remembers a route. The caller holds mu.
func (r *routes) keep(topic string, route *topicRoute, now time.Time) {
	r.topics.put(topic, route, topicRouteBytes+leaderBytes*len(route.leaders), now)
}

// described returns the id of a topic as Topics has last told it, or zero.
func (r *routes) described(topic string) [16]byte {
	if route := r.topic(topic, time.Now()); route != nil {
		return route.described
	}
	return [16]byte{}
}

// topic returns what is known of a topic's leaders, or nil.
func (r *routes) topic(name string, now time.Time) *topicRoute {
	route, _ := r.topics.get(name, now)
	return route
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
	now := time.Now()
	return slices.DeleteFunc(slices.Clone(topics), func(name string) bool {
		t := r.topic(name, now)
		return t != nil && t.readAt.After(at)
	})
}
