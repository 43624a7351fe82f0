package lag

import (
	"errors"
	"maps"
	"time"
)

// Memory is what KEDA's excludePersistentLag remembers from one call to the next: the
// committed offset that it saw when it last saw it move. The nil map is a memory of
// nothing. A Memory is never changed once [ComputeKEDA] has returned it.
type Memory map[TopicPartition]int64

// ComputeKEDA applies the rules of KEDA's `kafka` trigger, bugs included: v2.21.0,
// pkg/scalers/kafka_scaler.go, getTotalLag and getLagForPartition. The rules are
//
//	a read failed                      the whole trigger fails
//	log end left out of the answer     the partition does not count, nor does its lag
//	no commit, latest                  1, or 0 with scaleToZeroOnInvalidOffset
//	no commit, earliest                end - start at least 0, the whole end where the start is not
//	                                   known; 0 with scaleToZeroOnInvalidOffset
//	excludePersistentLag               0 where the commit is the one remembered, else end - committed
//	otherwise                          end - committed, also where that is negative
//
// It returns the memory for the next call. A failed call forgets everything, because
// KEDA throws a scaler away on any error and builds a new one.
//
// Three things differ: offsets older than rules.MaxAge are an error (KEDA reads at every
// call and keeps none), no partition at all is an error (KEDA gives 0 if the cluster has
// no topic whatsoever), and a sum beyond int64 stays at its end instead of wrapping round.
func ComputeKEDA(rules Rules, offsets []Offsets, memory Memory, now time.Time) (Report, Memory) {
	r := Report{Partitions: make([]Partition, len(offsets))}
	for i := range offsets {
		p := &r.Partitions[i]
		p.Offsets = offsets[i]
		if p.Err = rules.stale(&p.Offsets, now); p.Err == nil && p.Offsets.Err != nil {
			p.Err = unknownPartition(&p.Offsets, errCompatible)
		}
		if p.Err == nil {
			rules.measureKEDA(p, memory)
		} else {
			p.Reason = ReasonUnknown
		}
		r.add(p)
	}
	if r.Err = r.unknown(); r.Err != nil {
		return r, nil
	}
	return r, rules.remember(memory, r.Partitions)
}

func (rules Rules) measureKEDA(p *Partition, memory Memory) {
	switch {
	case p.LogEnd < 0:
		// getTotalLag walks over the answer for the log ends: what it lacks is never looked at, not
		// even for a missing commit.
		p.Reason = ReasonEndMissing
	case p.Committed < 0:
		rules.measureNoCommitKEDA(p)
	default:
		p.Lag = p.LogEnd - p.Committed
		p.Reason = reasonKEDA(p.Lag)
	}
	p.ActivationLag = p.Lag
	if p.LogStart >= 0 && p.Committed >= 0 {
		p.Lost = max(0, p.LogStart-p.Committed)
	}
	if remembered, ok := memory[p.TopicPartition]; ok && rules.remembers(p) && remembered == p.Committed {
		p.Lag = 0
		if p.ActivationLag != 0 {
			p.Reason = ReasonPersistent
		}
	}
}

func (rules Rules) measureNoCommitKEDA(p *Partition) {
	switch {
	case rules.ZeroOnInvalidOffset:
		p.Reason = ReasonNoCommitIgnored
	case rules.ResetPolicy != Earliest:
		p.Lag, p.Reason = 1, ReasonNoCommitLatest
	case p.LogStart < 0:
		p.Lag, p.Reason = p.LogEnd, ReasonNoCommitEarliest
	default:
		p.Lag, p.Reason = retained(&p.Offsets), ReasonNoCommitEarliest
	}
}

func reasonKEDA(lag int64) Reason {
	switch {
	case lag < 0:
		return ReasonNegative
	case lag > 0:
		return ReasonLagging
	default:
		return ReasonCaughtUp
	}
}

// remembers reports whether KEDA compares the partition's commit with the one before.
func (rules Rules) remembers(p *Partition) bool {
	return rules.ExcludePersistent && p.Committed >= 0 && p.LogEnd >= 0
}

// remember returns memory with every commit that was compared, and memory itself where
// that changes nothing.
func (rules Rules) remember(memory Memory, partitions []Partition) Memory {
	next, changed := memory, false
	for i := range partitions {
		p := &partitions[i]
		if !rules.remembers(p) {
			continue
		}
		if before, ok := memory[p.TopicPartition]; ok && before == p.Committed {
			continue
		}
		if !changed {
			next, changed = clone(memory), true
		}
		next[p.TopicPartition] = p.Committed
	}
	return next
}

func clone(memory Memory) Memory {
	if memory == nil {
		return Memory{}
	}
	return maps.Clone(memory)
}

var errCompatible = errors.New("compatibility with KEDA uses no number from an earlier read")
