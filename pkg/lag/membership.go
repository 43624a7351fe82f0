package lag

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// Member is one member of a consumer group.
type Member struct {
	// ID is the coordinator's name for it.
	ID string
	// Assigned are its partitions, by topic and partition; empty where they are not known.
	Assigned []TopicPartitions
	// Subscribed are the topics that it subscribes to, where SubscriptionKnown is set.
	Subscribed        []string
	SubscriptionKnown bool
}

// Membership is who shares a group's work, as its coordinator said at one moment. It is never changed once it is made.
type Membership struct {
	// Group has the state and the number of members. Why nothing is known is in its Err, a *fault.Error.
	Group
	// List are the members, by ID.
	List []Member
	// Assignment is a number that changes with the members and with what they have.
	Assignment int64
	// ReadAt is when the coordinator was asked.
	ReadAt time.Time
}

// NewMembership returns the membership of a group; epoch is that of a group of KIP-848, and any constant for others,
// whose coordinator tells none. It sorts the members.
func NewMembership(g Group, members []Member, epoch int32, readAt time.Time) *Membership {
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	hash := fnv.New64a()
	number := func(n int32) {
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], uint32(n)) //nolint:gosec // any number does for a hash
		_, _ = hash.Write(b[:])
	}
	name := func(s string) {
		number(int32(len(s))) //nolint:gosec // names are short, and any number does for a hash
		_, _ = hash.Write([]byte(s))
	}
	number(epoch)
	for i := range members {
		name(members[i].ID)
		number(int32(len(members[i].Assigned))) //nolint:gosec // any number does for a hash
		for _, t := range members[i].Assigned {
			name(t.Topic)
			number(int32(len(t.Partitions))) //nolint:gosec // any number does for a hash
			for _, id := range t.Partitions {
				number(id)
			}
		}
	}
	return &Membership{Group: g, List: members, Assignment: int64(hash.Sum64()), ReadAt: readAt} //nolint:gosec // the sign does not matter
}
