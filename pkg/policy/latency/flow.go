package latency

import "time"

// flow follows what arrives, what is consumed, and by whom.
type flow struct {
	parts    []partition
	began    time.Time // the first complete observation
	shares   time.Time // since when shares of partitions are comparable
	at       time.Time // the newest complete one
	looked   time.Time // the newest one that was used for a decision
	now      moment
	every    float32 // the usual time between two observations, in seconds
	interval commitInterval
	history  history

	state      GroupState
	members    int
	generation int64
	layout     int64
	// What has happened since the last decision.
	event events
	// changed is when the group last changed: another generation, another owner, or not stable.
	changed moment
	stall   stall
	// busy is for how many decisions in a row each member had enough to do; at most 255.
	busy []uint8
	// quiet is for how many decisions in a row there was work but no commit.
	quiet int
	// window counts the decisions since the present window of measuring began.
	window int
}

// events are what has happened since the last decision.
type events struct {
	grown, reset, replay bool
	moved                bool // some commit has moved
	reassigned           bool // the group has rebalanced
}

func newFlow() flow { return flow{history: newHistory(), members: UnknownMembers} }

// take takes a complete observation.
func (f *flow) take(o *Observation) {
	if f.began.IsZero() {
		f.began, f.shares, f.generation, f.layout = o.At, o.At, o.Generation, o.Layout
	}
	known := !f.at.IsZero()
	if o.Layout != f.layout || len(o.Partitions) < len(f.parts) {
		f.parts, f.layout = nil, o.Layout
		f.event.reset, known = true, false
	}
	before := f.at
	f.now, f.at = momentOf(o.At.Sub(f.began)), o.At
	if o.Generation != f.generation || o.State != Stable {
		f.event.reassigned, f.changed = true, f.now
	}
	f.state, f.members, f.generation = o.State, o.Members, o.Generation

	var arrived int64
	for i := range o.Partitions {
		if i == len(f.parts) {
			f.meet(&o.Partitions[i], before)
			continue
		}
		came, ok := f.follow(&f.parts[i], &o.Partitions[i])
		arrived += came
		known = known && ok
	}
	if before.IsZero() {
		return
	}
	if span := float32(o.At.Sub(before).Seconds()); f.every == 0 {
		f.every = span
	} else {
		f.every += (span - f.every) / 8
	}
	if known {
		f.history.add(seconds(before), seconds(o.At), float64(arrived))
	}
}

// meet takes a partition that was not there before. What is in it already has not arrived just now.
func (f *flow) meet(o *Partition, before time.Time) {
	f.parts = append(f.parts, partition{
		logEnd: o.LogEnd, committed: o.Committed, owner: o.Owner, movedAt: f.now, took: -1,
	})
	if !before.IsZero() {
		f.event.grown = true
	}
	f.shares = f.at // what each gets is another share now
}

// follow takes one partition's offsets and returns how many records have arrived, where that is known.
func (f *flow) follow(s *partition, o *Partition) (arrived int64, known bool) {
	arrived = o.LogEnd - s.logEnd
	if arrived < 0 {
		// The log was cut or made again: its offsets are other ones.
		*s = partition{logEnd: o.LogEnd, committed: o.Committed, movedAt: f.now, took: -1, owner: o.Owner, rate: s.rate}
		f.event.reset = true
		return 0, false
	}
	s.logEnd = o.LogEnd
	s.arrived += float32(arrived)
	switch {
	case o.Committed > s.committed:
		since := s.moved(o.Committed, f.now)
		f.event.moved = true
		usual := f.interval.seconds()
		if f.stall.counts {
			f.stall.add(since, usual, f.every)
		} else {
			f.interval.learn(since)
		}
	case o.Committed < s.committed:
		s.committed, s.movedAt, s.speed = o.Committed, f.now, 0
		s.pause()
		f.event.reset, f.event.replay = true, true
	}
	if o.Owner != s.owner {
		s.owner = o.Owner
		f.event.reassigned, f.changed = true, f.now
	}
	return arrived, true
}

// stall sums up for how long partitions were not consumed during a change of size.
type stall struct {
	counts  bool
	seconds float32
}

// add takes the time between two commits. What is far beyond the usual is a pause.
func (s *stall) add(since, usual, every float32) {
	if since > 1.5*usual+every {
		s.seconds += since - usual
	}
}
