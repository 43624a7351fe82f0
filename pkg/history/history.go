package history

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// MembershipMaxAge is how much older than the offsets the members may be. They are read every five seconds.
const MembershipMaxAge = 20 * time.Second

// History is what is remembered of one trigger's group between two observations. The zero value has seen nothing. It is
// not safe for concurrent use.
type History struct {
	places places
	// seen are the commits of the observation before, by place.
	seen []commit
	// earlier is how many partitions had a commit of an earlier log in it.
	earlier int
	layout  int64
	// uncommittedAt is when the group was last seen to have no commit.
	uncommittedAt time.Time
}

// commit is up to where the group was done with a partition.
type commit struct {
	// offset is the committed one, or negative.
	offset int64
	// beyond is how much further the group was, where what follows the commit has been found to be no record.
	beyond int32
}

// Observe returns what the report and the membership say, at the time of the report. Partitions are in room, which the
// caller may use again once the planner has observed; it grows as needed.
//
// The error, a *fault.Error, says why something is not known: the observation then says so too, and the planner waits
// for the next. A report about anything but all of the trigger's partitions is no observation: where a snapshot has an
// error, leave it out.
func (h *History) Observe(room []latency.Partition, r *lag.Report, m *lag.Membership) (latency.Observation, error) {
	if h.places.arrange(r.Partitions) {
		h.forget()
	}
	o := latency.Observation{At: r.ObservedAt, Members: latency.UnknownMembers}
	o.Partitions = slices.Grow(room[:0], len(r.Partitions))[:len(r.Partitions)]
	h.seen = lengthened(h.seen, len(r.Partitions))
	err := r.Err
	earlier := 0
	at := h.places.walk()
	for i := range r.Partitions {
		p := &r.Partitions[i]
		place := at.next(&p.TopicPartition)
		o.Partitions[place] = h.partition(p, &h.seen[place])
		if p.Err != nil && err == nil {
			err = p.Err
		}
		if p.Reason == lag.ReasonCommitOfEarlierLog {
			earlier++
		}
	}
	if earlier > h.earlier {
		h.layout++ // a log was made again, so what was known of it is about another one
	}
	h.earlier, o.Layout = earlier, h.layout
	if err == nil && len(r.Partitions) == 0 {
		err = fail(r, fault.Precondition, errors.New("there is no partition to look at"), "name the topic with `topic`")
	}
	if unknown := h.members(&o, r, m); err == nil {
		err = unknown
	}
	return o, err
}

// lengthened returns the commits of n partitions, of which the new ones have none. They stay for long: there is no room
// behind them.
func lengthened(seen []commit, n int) []commit {
	if len(seen) == n {
		return seen
	}
	longer := make([]commit, n)
	for i := copy(longer, seen); i < n; i++ {
		longer[i].offset = lag.NoCommit
	}
	return longer
}

// forget begins a new layout: the places mean other partitions than before.
func (h *History) forget() {
	h.seen, h.earlier = h.seen[:0], 0
	h.layout++
}

// partition returns what is known of a partition, and remembers its commit. Its owner is not known yet.
func (h *History) partition(p *lag.Partition, seen *commit) latency.Partition {
	o := latency.Partition{ID: p.Partition, Owner: latency.NoOwner, LogEnd: latency.UnknownOffset, Committed: latency.UnknownOffset}
	if p.Err != nil || p.LogEnd < 0 {
		return o
	}
	o.LogEnd = p.LogEnd
	o.Committed = done(p)
	if p.Committed >= 0 && p.Committed == seen.offset {
		// What was found to be no record has not become one since: the group is not behind where it was.
		o.Committed = max(o.Committed, min(seen.offset+int64(seen.beyond), p.LogEnd))
	}
	*seen = commit{offset: p.Committed, beyond: int32(min(max(0, o.Committed-p.Committed), math.MaxInt32))}
	return o
}

// done is the offset up to which the group is done with a partition: what counts as lag is left of it.
func done(p *lag.Partition) int64 {
	switch p.Reason {
	case lag.ReasonNoCommitLatest:
		return p.LogEnd // its consumers begin there; that it counts one is for waking them only
	case lag.ReasonPersistent:
		return max(0, p.LogEnd-p.Excluded) // that nobody works it off is for the planner to see
	default:
		return max(0, p.LogEnd-p.Lag)
	}
}

// members adds what is known of the group as a whole, or returns why nothing is.
func (h *History) members(o *latency.Observation, r *lag.Report, m *lag.Membership) error {
	switch {
	case m == nil:
		return fail(r, fault.Unavailable, errors.New("its members have not been read yet"), "wait a few seconds")
	case m.Err != nil:
		return m.Err
	case m.Kind == lag.KindShare:
		return fail(r, fault.Precondition, errors.New("targetLatency does not know share groups, whose members share partitions"), "use lagThreshold for it")
	case r.ObservedAt.Sub(m.ReadAt) > MembershipMaxAge:
		return fail(r, fault.Unavailable, fmt.Errorf("its members were last read %s before its offsets", r.ObservedAt.Sub(m.ReadAt).Round(time.Second)),
			"see whether its coordinator answers, with `kafka-scaler check`")
	}
	o.State = stateOf(m.State)
	if !hasCommits(r) {
		h.uncommittedAt = r.ObservedAt
	} else if m.State == dead && h.uncommittedAt.Before(m.ReadAt.Add(-MembershipMaxAge)) {
		// The group is there all the same: it is of a kind that its coordinator was not asked about. One that has only
		// just committed for the first time was not there yet when its members were read.
		o.State = latency.StateUnknown
	}
	if o.State == latency.StateUnknown {
		return fail(r, fault.Unavailable, fmt.Errorf("its coordinator calls its state %q", m.State), "use lagThreshold for a group of this kind")
	}
	o.Generation = m.Assignment
	o.Members = h.assign(o.Partitions, m)
	return nil
}

func fail(r *lag.Report, kind fault.Kind, cause error, remedy string) error {
	return &fault.Error{Kind: kind, Op: "observe", Object: fmt.Sprintf("group %q", r.Group.Name), Err: cause, Remedy: remedy}
}
