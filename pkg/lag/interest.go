package lag

import "time"

// Interest is what is remembered of a group's interest in a topic that nobody
// named: one that was discovered because the group had committed offsets in it, or a
// member had subscribed to it. It says when such a topic stops counting.
//
// A topic does not stop to count because time goes by: a group at zero members
// subscribes to nothing, and its topics are what has to wake it. It stops because
// the group was seen at work without it, at two moments at least an expiry apart, and
// in no moment between with it. Records that arrive meanwhile change nothing: lag that
// nobody will ever take is what this rule is about.
//
// The zero Interest is that of a topic that was just discovered.
type Interest struct {
	// PassedOverSince and PassedOverAt are the first and the last moment since the topic was last wanted at
	// which it was passed over; zero for none.
	PassedOverSince, PassedOverAt time.Time
}

// Sighting is what one look at a group says about its interest in a topic.
type Sighting uint8

// The sightings.
const (
	// NothingSeen: the group has no members, or what they subscribe to is not known, of any one of them.
	NothingSeen Sighting = iota
	// Wanted: a member subscribes to the topic or has a partition of it, or a commit in it has moved since
	// the look before.
	Wanted
	// PassedOver: there are members, what all of them subscribe to is known, and the topic is not among it.
	PassedOver
)

// Next returns the interest after a look at the group at now. Looks must come in the order of time.
func (i Interest) Next(seen Sighting, now time.Time) Interest {
	switch seen {
	case Wanted:
		return Interest{}
	case PassedOver:
		if i.PassedOverSince.IsZero() {
			i.PassedOverSince = now
		}
		i.PassedOverAt = now
	}
	return i
}

// Outlived reports whether the topic does not count any more: discoveredTopicExpiry is the expiry, and 0 or
// less means that it counts forever. A topic that is wanted again counts again at once.
func (i Interest) Outlived(expiry time.Duration) bool {
	return expiry > 0 && !i.PassedOverSince.IsZero() && i.PassedOverAt.Sub(i.PassedOverSince) >= expiry
}
