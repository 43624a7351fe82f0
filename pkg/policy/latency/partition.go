package latency

import "time"

// partition is what is kept of one partition between observations: 48 bytes.
type partition struct {
	logEnd, committed int64
	// movedAt is when the commit last moved; markAt is when the present window of measuring began, at a move.
	movedAt, markAt moment
	// took counts records consumed since markAt; negative, it says that the window begins with the next move.
	// arrived counts those that came since the last decision.
	took, arrived float32
	// rate is what arrives, with a memory of shareMemory; records a second.
	rate float32
	// speed is how fast the last commits moved, in records a second.
	speed float32
	// backlog is what was not consumed at the last decision, in records: less than the lag, for a commit says
	// late what was consumed.
	backlog float32
	owner   int32
}

const (
	// shareMemory is how long what single partitions get is remembered, in seconds. It is long because few
	// records say little; how much arrives in all is known better.
	shareMemory = 600
	// usualCommitInterval is assumed until commits have been seen, in seconds.
	usualCommitInterval = 5
)

// moment is a time in 1/64 s. It wraps round after two years; only differences count.
type moment uint32

func momentOf(sinceBegan time.Duration) moment {
	return moment(sinceBegan * 64 / time.Second) //nolint:gosec // it wraps round on purpose
}

func (m moment) after(other moment) bool { return m != other && m-other < 1<<31 }

func (m moment) since(earlier moment) float32 { return float32(m-earlier) / 64 }

// moved takes a commit that is higher than the one before, and returns the seconds since that one.
func (s *partition) moved(committed int64, now moment) (since float32) {
	since = now.since(s.movedAt)
	records := float32(committed - s.committed)
	if since > 0 {
		speed := records / since
		if s.speed > 0 {
			speed = (s.speed + speed) / 2
		}
		s.speed = speed
	}
	if s.took < 0 {
		s.took, s.markAt = 0, now
	} else {
		s.took += records
	}
	s.committed, s.movedAt = committed, now
	return since
}

// consumed is how fast commits moved since the window began, from one move to another, in records a second.
func (s *partition) consumed() float64 {
	if s.took <= 0 || s.movedAt == s.markAt {
		return 0
	}
	return float64(s.took / s.movedAt.since(s.markAt))
}

// begin begins a new window of measuring at the newest commit.
func (s *partition) begin() {
	if s.took > 0 {
		s.markAt, s.took = s.movedAt, 0
	}
}

// pause ends the window; the next one begins when commits move again.
func (s *partition) pause() { s.took = -1 }

// estimate brings rate and backlog up to date for a decision, so many seconds after the one before. A commit
// takes interval seconds; where the group is not stable nobody consumes between them.
func (s *partition) estimate(now moment, after, known, interval float32, stable bool) {
	if after > 0 {
		s.rate += (s.arrived/after - s.rate) * after / min(shareMemory, max(known, after))
	}
	s.arrived = 0
	lag := float32(max(0, s.logEnd-s.committed))
	if stable {
		// Since the commit it went on as before, for as long as commits usually take.
		lag -= s.speed * min(now.since(s.movedAt), interval)
	}
	s.backlog = max(0, lag)
}

// commitInterval learns how long commits take: the mean time from one to the next.
type commitInterval struct {
	mean float32
	n    int32
}

func (i *commitInterval) learn(since float32) {
	// Longer ones say that nothing was consumed.
	const longest = 60
	if since <= 0 || since > longest {
		return
	}
	i.n = min(i.n+1, 1000)
	i.mean += (since - i.mean) / float32(i.n)
}

func (i *commitInterval) seconds() float32 {
	if i.n == 0 {
		return usualCommitInterval
	}
	return i.mean
}
