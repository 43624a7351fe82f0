package store

import "github.com/kafka-scaler/kafka-scaler/pkg/lag"

// Complete reports whether everything the query asks for was read, and fits. A call
// may still owe more of the same.
func (s *Store) Complete(sub *Subscription) bool {
	if sub.group.answered == 0 || len(sub.selected) == 0 {
		return false
	}
	for _, gt := range sub.selected {
		t := gt.topic
		for _, id := range t.ids {
			if !sub.Partitions.Contains(id) {
				continue
			}
			end := t.logs[gt.isolation].at(id)
			p, _ := gt.at(id)
			commit := p.fitting(end)
			if commit.read == 0 || needsStart(commit.counts(), end.offset) && t.logs[lag.Start].at(id).asked == 0 {
				return false
			}
			if sub.Ages {
				if o, _ := s.offsets(sub.group, gt, id); gt.lacksAge(o) {
					return false
				}
			}
		}
		if len(t.ids) == 0 {
			return false
		}
	}
	return true
}

// Progress is how far the reading of a query has come.
type Progress uint8

const (
	// Arrived is when every answer has arrived, though perhaps not a good one.
	Arrived Progress = iota
	// Underway is while a call owes an answer.
	Underway
	// Unasked is when nothing is underway, and an answer is missing or does not fit: the commits came after the
	// log ends had been asked for, or a call made for another query left this one's topics out.
	Unasked
)

// Progress returns how far the query has come.
func (s *Store) Progress(sub *Subscription) Progress {
	g := sub.group
	if g.pending != 0 || sub.lists() && s.catalog.pending != 0 || s.IsMatching(sub) {
		return Underway
	}
	state := Arrived
	if g.answered == 0 && g.err == nil && sub.discovers() || sub.lists() && s.catalog.asked == 0 {
		state = Unasked
	}
	for _, gt := range sub.selected {
		if p := gt.progress(g); p == Underway || sub.Ages && gt.searching > 0 {
			return Underway
		} else if p == Unasked {
			state = Unasked
		}
	}
	return state
}

func (gt *GroupTopic) progress(g *Group) Progress {
	t := gt.topic
	if t.describing != 0 {
		return Underway
	}
	if t.described == 0 && t.err == nil {
		return Unasked
	}
	state := Arrived
	for _, id := range t.ids {
		end := t.logs[gt.isolation].at(id)
		if end.pending != 0 || t.logs[lag.Start].at(id).pending != 0 {
			return Underway
		}
		p, err := gt.at(id)
		noCommit := p.newest.read == 0 && err == nil && g.err == nil
		noEnd := end.asked == 0 && t.logs[gt.isolation].err(id) == nil
		doesNotFit := p.newest.read != 0 && end.asked != 0 && p.fitting(end).read == 0
		if noCommit || noEnd || doesNotFit {
			state = Unasked
		}
	}
	return state
}

// IsWell reports whether the newest read of everything that the subscription selects went
// well, and whether nothing of it changes by the passing of time alone.
func (s *Store) IsWell(sub *Subscription) bool {
	if sub.group.err != nil || sub.mayList() && s.catalog.err != nil {
		return false
	}
	for _, gt := range sub.selected {
		ageing := sub.Ages && (len(gt.ages) > 0 || gt.searching > 0)
		if ageing || gt.ahead > 0 || gt.topic.err != nil || anyErr(gt.errs) || anyErr(gt.topic.logs[gt.isolation].errs) {
			return false
		}
	}
	return true
}

func anyErr(errs []error) bool {
	for _, err := range errs {
		if err != nil {
			return true
		}
	}
	return false
}
