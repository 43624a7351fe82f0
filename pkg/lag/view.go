package lag

// GroupView is what one look at a group shows: what it is, and what its members want.
type GroupView struct {
	Group
	// Subscribed are the topics that its members subscribe to or have partitions of, sorted.
	Subscribed []string
	// Complete says that there are members and that all that they subscribe to is in Subscribed.
	Complete bool
}

// Sighting is what the view says about the group's interest in a topic. moved is whether a commit in it has
// moved since the view before.
func (v *GroupView) Sighting(subscribed, moved bool) Sighting {
	switch {
	case subscribed || moved:
		return Wanted
	case v.Err == nil && v.Complete:
		return PassedOver
	default:
		return NothingSeen
	}
}
