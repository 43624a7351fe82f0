package simulation

import "math"

// partition is one partition's records as the group sees them.
type partition struct {
	log *log
	// committed is where the group would go on if the member that has the partition died.
	committed mark
	// done is the offset up to which records were processed at least once.
	done int64
	// resumes is when a rebalance lets the partition go on.
	resumes float64
	owner   *member
}

// member is a consumer in the group.
type member struct {
	id         int
	speed      float64 // records a second
	partitions []*partition
	random     stream
	// free is when the member is done with the record that it has.
	free float64
	// busy is for how long it has been working, in all.
	busy float64
	// turn is the next partition to look at.
	turn     int
	commitAt float64
	// dead members do nothing; the group still counts on them until noticed.
	dead    bool
	noticed float64
}

// consumption is how members work at the moment.
type consumption struct {
	now, end float64 // the second that is being worked on
	endStep  int
	poll     int
	service  *serviceTable
	slowness float64 // > 1 where what is downstream holds the members back
	// score is told of every record that is processed for the first time.
	score *score
}

// work lets the member process records until the end of the second. It serves one partition after the other,
// up to a poll's worth of records each, and waits where none has any.
func (m *member) work(c *consumption) {
	if m.dead || len(m.partitions) == 0 {
		return
	}
	m.free = max(m.free, c.now)
	for m.free < c.end {
		p, at := m.next(c)
		if at >= c.end {
			return
		}
		m.free = max(m.free, at)
		m.poll(p, c)
	}
}

// next returns the first partition, in turn, that has a record waiting; where none has, the one that gets the
// next record, and when.
func (m *member) next(c *consumption) (*partition, float64) {
	var first *partition
	earliest := math.Inf(1)
	turn := m.turn
	for range m.partitions {
		if turn++; turn >= len(m.partitions) {
			turn = 0
		}
		p := m.partitions[turn]
		if p.resumes > c.now {
			continue
		}
		at := p.log.head(c.endStep)
		if at <= m.free {
			m.turn = turn
			return p, at
		}
		if at < earliest {
			first, earliest = p, at
		}
	}
	return first, earliest
}

// poll processes records of one partition for as long as some wait there.
func (m *member) poll(p *partition, c *consumption) {
	for range c.poll {
		arrived := p.log.head(c.endStep)
		if arrived > m.free || m.free >= c.end {
			return
		}
		took := c.service.draw(&m.random) * c.slowness / m.speed
		m.free += took
		m.busy += took
		p.log.pop()
		if p.log.at.offset > p.done {
			p.done = p.log.at.offset
			c.score.processed(arrived, m.free)
		}
	}
}

// commit commits the member's position in all its partitions.
func (m *member) commit() {
	for _, p := range m.partitions {
		p.committed = p.log.at
	}
}
