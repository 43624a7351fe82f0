package kafka

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
)

// Bounds of the brokers that a client has connections to or could have. Answers name
// them, those about coordinators without any end.
const (
	maxBrokersBytes = 8 << 20
	// brokerBytes is what one takes without its address and connections.
	brokerBytes = 600
)

// brokers are those that a client has to do with, by address. Beyond the bounds, those
// used longest ago go, and their connections with them.
type brokers struct {
	settings *transport.Settings
	shared   transport.Shared

	// making keeps two callers from making the same broker.
	making sync.Mutex
	table  *table[*transport.Broker]
}

func newBrokers(settings *transport.Settings, shared transport.Shared) *brokers {
	return &brokers{settings: settings, shared: shared, table: newTable[*transport.Broker](maxBrokers, maxBrokersBytes)}
}

// at returns the broker of an address, and notes its id where it has one.
func (b *brokers) at(addr string, node int32) *transport.Broker {
	broker, shed := b.make(addr, time.Now())
	retire(shed)
	if node != transport.UnknownNode {
		broker.SetNode(node)
	}
	return broker
}

func (b *brokers) make(addr string, now time.Time) (made *transport.Broker, shed []*transport.Broker) {
	b.making.Lock()
	defer b.making.Unlock()
	if known, ok := b.table.get(addr, now); ok {
		return known, nil
	}
	made = transport.NewBroker(b.settings, b.shared, addr)
	return made, b.table.put(addr, made, brokerBytes, now)
}

// keep closes the connections to all addresses but those of the brokers given, bootstrap
// servers among them: they are asked again only when nothing else answers.
func (b *brokers) keep(current map[int32]string) {
	named := make(map[string]bool, len(current))
	for _, addr := range current {
		named[addr] = true
	}
	retire(b.table.keep(func(addr string) bool { return named[addr] }))
}

func retire(brokers []*transport.Broker) {
	for _, b := range brokers {
		b.Retire()
	}
}

// stats are sorted by id and address.
func (b *brokers) stats() []BrokerStats {
	all := b.table.values()
	stats := make([]BrokerStats, len(all))
	for i, broker := range all {
		stats[i] = broker.Stats()
	}
	slices.SortFunc(stats, func(a, b BrokerStats) int {
		return cmp.Or(cmp.Compare(a.Broker, b.Broker), cmp.Compare(a.Address, b.Address))
	})
	return stats
}
