package history

import (
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// stateOf translates Kafka's word for what a group is doing (GroupState in Apache Kafka).
func stateOf(state string) latency.GroupState {
	switch state {
	case "Stable":
		return latency.Stable
	case "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling":
		return latency.Rebalancing
	case "Empty", dead:
		return latency.Empty
	default:
		return latency.StateUnknown
	}
}

// dead is the state of a group that does not exist, or that is of another kind than was asked about.
const dead = "Dead"

// hasCommits reports whether the group has committed an offset in some partition.
func hasCommits(r *lag.Report) bool {
	return slices.ContainsFunc(r.Partitions, func(p lag.Partition) bool { return p.Committed >= 0 })
}

// assign writes down who has which partition, and returns how many members count: those that have one of the partitions
// or may get one. Others of the group consume other topics.
func (h *History) assign(parts []latency.Partition, m *lag.Membership) int {
	counted := 0
	for i := range m.List {
		member := &m.List[i]
		if h.give(parts, member, int32(i)) || h.waits(member) {
			counted++
		}
	}
	return counted
}

// give makes a member the owner of its partitions, and reports whether it has any.
func (h *History) give(parts []latency.Partition, member *lag.Member, owner int32) (has bool) {
	for _, t := range member.Assigned {
		for _, id := range t.Partitions {
			if place := h.places.find(t.Topic, id); place >= 0 {
				parts[place].Owner = owner
				has = true
			}
		}
	}
	return has
}

// waits reports whether a member may get one of the partitions.
func (h *History) waits(member *lag.Member) bool {
	return !member.SubscriptionKnown || slices.ContainsFunc(member.Subscribed, h.places.has)
}
