package agent

import "time"

// pace says when a consumer is done with its records, of which each takes as long.
//
// A busy machine wakes a sleeper late. If every record's time began at the end of
// the one before, that would add up, and a consumer would be slower than its
// service time says: so as long as it has its next record at hand, its times
// follow one another without a gap.
type pace struct {
	// took is how long a record takes.
	took time.Duration
	// done is when the last record is done.
	done time.Time
}

// begin begins again: there was nothing to do until now.
func (p *pace) begin(now time.Time) { p.done = now }

// next returns when the next record is done. A consumer that is late by more than a
// record's time does not make up for all of it: it never does two at once.
func (p *pace) next(now time.Time) time.Time {
	if late := now.Add(-p.took); p.done.Before(late) {
		p.done = late
	}
	p.done = p.done.Add(p.took)
	return p.done
}
