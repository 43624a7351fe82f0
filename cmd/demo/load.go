package main

import "time"

// phase is a part of the story with one rate of records.
type phase struct {
	// until is where it ends, as a share of the duration.
	until float64
	// rate is in records a second.
	rate float64
	name string
}

// story of the load for so many partitions: what a member can do is 1 / serviceTime.
func phases(partitions int32) []phase {
	capacity := float64(partitions) * float64(time.Second/serviceTime)
	return []phase{
		{5. / 60, 0, "nothing is produced"},
		{15. / 60, 8, "a trickle"},
		{25. / 60, capacity / 3, "a steady load"},
		{33. / 60, capacity * 4 / 3, "a burst, more than all partitions together can take"},
		{1, 0, "nothing is produced any more"},
	}
}

// at returns the phase at a time since the start; the last one has no end.
func at(all []phase, elapsed, duration time.Duration) phase {
	share := float64(elapsed) / float64(duration)
	for _, p := range all {
		if share < p.until {
			return p
		}
	}
	return all[len(all)-1]
}
