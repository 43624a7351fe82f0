package latency

// turns learns how members serve their partitions: all at a time (0), or one to its end after the other (1), as
// Kafka's consumers mostly do. Then the oldest record of a member with k partitions waits, at the worst of its
// round, 2k / (k + 1) times as long as its backlog takes.
type turns struct{ one float64 }

// turnsMemory is over how many decisions it is learned.
const turnsMemory = 240

// learn takes a decision's ages in. Those below least, in seconds, may come from late commits alone.
func (t *turns) learn(s *scene, partitions int, least float64) {
	if s.event || len(s.counted) == 0 {
		return
	}
	k := float64(partitions) / float64(len(s.counted))
	if k < 1.5 {
		return
	}
	for i, m := range s.counted {
		if age := m.backlog / max(m.rate, 1e-3); m.rate > 0 && age > least && !s.blocked[i] {
			one := (s.oldestOf[i]/age - 1) / ((k - 1) / (k + 1))
			t.one += (min(max(one, 0), 1) - t.one) / turnsMemory / float64(len(s.counted))
		}
	}
}

// factor is by how much the oldest record of a member with so many partitions is older than its backlog says.
func (t *turns) factor(partitions int) float64 {
	k := float64(partitions)
	return 1 + t.one*(k-1)/(k+1)
}
